"""The students' hand-out: the project without what gives the exercises away."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from grader.workbook import ROOT, Refusal

GIVEN = (
    "saga_lab", "grader", "notebooks", "exercises", "docs", "tools",
    "Makefile", "README.md", "LICENSE", "CHANGELOG.md", "constraints.txt", "pyproject.toml", ".gitignore",
)  # fmt: skip
"""Not the solutions; nor the tests, whose corpus is full of them."""
SAME, LONG = 4, 40
"""So many lines of so many characters cannot be the same by chance."""
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", ".ipynb_checkpoints")


def release(folder: Path) -> list[str]:
    """Make the hand-out in a new folder; gives what was done, in words. Raises Refusal."""
    missing = [name for name in GIVEN if not (ROOT / name).exists()]
    if missing:
        raise Refusal(
            f"This is no whole checkout of the project: {', '.join(missing)} is missing. Clone it anew."
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refusal(f"{folder} is there already. Choose a new folder, so that nothing old is handed out.")
    folder.mkdir(parents=True, exist_ok=True)
    for name in GIVEN:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=_LEFT_OUT)
        else:
            shutil.copy2(ROOT / name, folder / name)
    if leaks := [*_leaks(folder)]:
        shutil.rmtree(folder)
        raise Refusal(f"Nothing was made: a solution stands in {', '.join(leaks)}.")
    count = sum(path.is_file() for path in folder.rglob("*"))
    return [
        f"added  {count} files in {folder}, without solutions and without the tests that hold them",
        "Next: hand out the folder. Students run `make lab` in it.",
    ]


def _leaks(folder: Path) -> Iterator[str]:
    """The files in which lines of a solution stand that no starter has."""
    given = _lines("exercises")
    secret = [(line, json.dumps(line)[1:-1]) for line in _lines("solutions") - given]
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".py", ".md", ".ipynb"):
            text = path.read_text(encoding="utf-8")
            if sum(line in text or in_json in text for line, in_json in secret) >= SAME:
                yield path.relative_to(folder).as_posix()


def _lines(room: str) -> set[str]:
    """The long lines of the files there, but for their imports."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / room).glob("*.py")]
    lines = {line.strip() for text in texts for line in text.splitlines()}
    return {line for line in lines if len(line) > LONG and "import" not in line}
