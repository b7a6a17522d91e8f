"""The same stories over a journal in memory and on a disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from saga_lab import SqlJournal
from tests.kernel import lab


@pytest.fixture(params=["memory", "sqlite"])
def each_journal(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """For `pytest.mark.usefixtures`: the laboratories of this test keep their journal here or there."""
    if request.param == "memory":
        yield
        return
    with closing(SqlJournal(f"sqlite:///{tmp_path}/sagas.db")) as journal:
        monkeypatch.setattr(lab, "new_journal", lambda: journal)
        yield
