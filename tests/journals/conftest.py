"""One journal in memory, on SQLite and on PostgreSQL, for the same tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from saga_lab import MemoryJournal, SqlJournal
from saga_lab.journals import Journal
from saga_lab.journals.database import database

Open = Callable[[], Journal]


@dataclass
class Place:
    """An empty database for a journal, opened again and again as by new processes."""

    url: str
    opened: list[SqlJournal] = field(default_factory=list)

    def open(self, more: str = "") -> SqlJournal:
        """Another journal there; `more` is added to the URL."""
        self.opened.append(SqlJournal(self.url + more))
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
        for journal in self.opened:
            journal.close()


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def reopen(request: pytest.FixtureRequest) -> Open:
    """Opens the same empty journal again and again, as each new process would."""
    if request.param == "memory":
        memory = MemoryJournal()
        return lambda: memory
    place: Place = request.getfixturevalue(request.param)
    return place.open


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest) -> Place:
    place: Place = request.getfixturevalue(request.param)
    return place


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Place]:
    with closing(Place(f"sqlite:///{tmp_path}/sagas.db?timeout=0.01")) as place:
        yield place


@pytest.fixture
def postgresql(server: str, numbers: Iterator[int]) -> Iterator[Place]:
    """A schema of its own."""
    schema = f"test_{next(numbers)}"
    with closing(Place(f"{server}&options=-csearch_path%3D{schema}")) as place:
        place.run(f"CREATE SCHEMA {schema}")
        yield place
