"""A small class in a folder, and a grader of a microsecond in the place of the real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grader import Report
from grader.batch import grading
from grader.exercises import EXERCISES
from grader.gradebook import Gradebook

FIRST, SECOND = (f"{EXERCISES[number].module}.py" for number in (1, 2))
Class = Callable[..., Path]


@pytest.fixture
def a_class(tmp_path: Path) -> Class:
    """Makes the folder of a class: the files of each learner, by name, with what stands in them."""

    def made(**learners: dict[str, str]) -> Path:
        folder = tmp_path / "class"
        for learner, files in learners.items():
            (folder / learner).mkdir(parents=True)
            for name, source in files.items():
                (folder / learner / name).write_text(source)
        return folder

    return made


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Gradebook]:
    book = Gradebook(f"sqlite:///{tmp_path}/gradebook.db")
    yield book
    book.close()


@pytest.fixture
def quick_grader(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grades by what stands in the file: a number of points, or an error; gives what it graded."""
    seen: list[str] = []

    def grade(exercise: int, path: Path, **how: object) -> Report:
        source = path.read_text()
        seen.append(source)
        if not source.isdigit():
            raise ZeroDivisionError(source)
        return Report(exercise, "", path.name, "pass", points=int(source), max_points=66)

    monkeypatch.setattr(grading, "grade", grade)
    return seen
