"""The messages stay as they were read and found good, and fit the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.message import HEIGHT, MOST_FAILURES, WIDTH
from tests.corpus.golden import CHOSEN, GOLDEN, kept, message


@pytest.mark.parametrize("path", CHOSEN, ids=lambda path: kept(path).stem)
def test_a_message_is_as_it_was_read_last(path: Path) -> None:
    told = message(path)
    assert told == kept(path).read_text(encoding="utf-8"), "if meant: python -m tests.corpus.golden, and read"
    assert max(map(len, told.splitlines())) <= WIDTH
    blocks = told.split("\n✗")
    assert len(blocks) <= MOST_FAILURES and all(block.count("\n") <= HEIGHT + 10 for block in blocks)


def test_every_kept_message_is_compared() -> None:
    assert {path.name for path in GOLDEN.glob("*.txt")} == {kept(path).name for path in CHOSEN}
