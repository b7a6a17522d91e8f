"""One gradebook on SQLite and on PostgreSQL, for the same tests, and a clock that stands still."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from grader import Report
from grader.gradebook import Attempt, Gradebook
from saga_lab.journals.database import database


@dataclass
class Shelf:
    """An empty database for a gradebook, opened again and again as by new processes."""

    url: str
    now: float = 1_000_000.0
    opened: list[Gradebook] = field(default_factory=list)

    def open(self) -> Gradebook:
        """Another gradebook there, by the same clock."""
        self.opened.append(Gradebook(self.url, now=lambda: self.now))
        return self.opened[-1]

    def outside(self) -> Any:
        """A connection of another program."""
        return database(self.url).connect(patient=True)

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        """What another program does there."""
        with closing(self.outside()) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        for book in self.opened:
            book.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def shelf(request: pytest.FixtureRequest) -> Shelf:
    shelf: Shelf = request.getfixturevalue(request.param)
    return shelf


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Shelf]:
    with closing(Shelf(f"sqlite:///{tmp_path}/gradebook.db?timeout=0.01")) as shelf:
        yield shelf


@pytest.fixture
def postgresql(server: str, numbers: Iterator[int]) -> Iterator[Shelf]:
    """A schema of its own."""
    schema = f"grades_{next(numbers)}"
    with closing(Shelf(f"{server}&options=-csearch_path%3D{schema}")) as shelf:
        shelf.run(f"CREATE SCHEMA {schema}")
        yield shelf


@pytest.fixture
def book(shelf: Shelf) -> Gradebook:
    """An open gradebook with Ada and Bert in it."""
    book = shelf.open()
    book.enrol("ada", "Ada L.")
    book.enrol("bert")
    return book


def passed(points: int = 66, exercise: int = 1) -> Report:
    """A report of so many points."""
    return Report(exercise, "", "saga.py", "pass", "gold", points=points, max_points=66)


def graded(book: Gradebook, learner: str, source: str, points: int, exercise: int = 1) -> Attempt:
    """Hand in and grade at once."""
    number = book.hand_in(learner, exercise, "saga.py", source.encode()).number
    claimed = book.claim("me", number)
    assert claimed is not None and book.settle(claimed, passed(points, exercise), "1, singles", 0.5)
    return book.attempt(number)
