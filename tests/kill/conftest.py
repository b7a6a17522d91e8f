"""Where the drills keep their journal."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def journal_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/sagas.db"
