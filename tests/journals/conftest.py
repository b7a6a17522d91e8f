"""One journal in memory, on SQLite and on a private PostgreSQL, for the same tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from saga_lab import MemoryJournal, SqlJournal
from saga_lab.journals import Journal
from saga_lab.journals.database import database

Open = Callable[[], Journal]
PASSWORD = "a secret of the tests"


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


@pytest.fixture(scope="session")
def numbers() -> Iterator[int]:
    return count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of a server of our own: on a Unix socket, asking for a password, gone afterwards."""
    binaries = _binaries()
    # Not under pytest's folder: the server refuses to run as root, and others may not look in there.
    with tempfile.TemporaryDirectory(prefix="saga-lab-") as name:
        folder, user = Path(name), None
        (folder / "password").write_text(PASSWORD)
        if os.geteuid() == 0:
            user = "nobody"
            for path in (folder, folder / "password"):
                shutil.chown(path, user)

        def run(program: str, *arguments: str) -> None:
            command = [str(binaries / program), *arguments]
            done = subprocess.run(
                command, user=user, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
            assert done.returncode == 0, done.stdout

        data, log = str(folder / "data"), str(folder / "log")
        run("initdb", "-D", data, "-U", "lab", "-A", "scram-sha-256", "--pwfile", str(folder / "password"),
            "-E", "UTF8", "--locale", "C", "--no-sync")  # fmt: skip
        run("pg_ctl", "start", "-w", "-D", data, "-l", log, "-o", f"-k {folder} -h '' -F")
        try:
            yield f"postgresql://lab:{PASSWORD.replace(' ', '%20')}@/postgres?host={folder}"
        finally:
            run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", data)


def _binaries() -> Path:
    """Where the server's programs are. Debian keeps them out of the path."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    lacking = "PostgreSQL's server is not installed here (on Debian: apt-get install postgresql)"
    if os.environ.get("CI") == "true":
        pytest.fail(lacking)
    pytest.skip(lacking)
