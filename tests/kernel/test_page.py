"""The page of guarantees names tests that exist, and each of its promises has some."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")


def test_every_test_that_the_page_names_exists() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("tests/**/test_*.py"))
    defined = set(re.findall(r"^(?:async )?def (test_\w+)\(", sources, re.MULTILINE))
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert named - defined == set()


def test_each_of_the_ten_guarantees_is_proved() -> None:
    _, *parts = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    assert [part.split(".")[0] for part in parts] == [str(number) for number in range(1, 11)]
    assert all("`test_" in part for part in parts)
