"""Databases that cannot be used: each says what happened, what it means and what to do; nothing is lost."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from msgspec import Raw

from saga_lab import Engine, JournalError, SagaContext, SqlJournal
from saga_lab import events as e
from saga_lab.journals import database
from tests.journals.conftest import Place
from tests.journals.events import noted, started
from tests.journals.told import told
from tests.postgres import PASSWORD


def says(error: pytest.ExceptionInfo[JournalError], *words: str) -> None:
    """Its sentences hold these words, and no secret."""
    for word in words:
        assert word in str(error.value)
    assert PASSWORD not in str(error.value) and "%20" not in str(error.value)


def refused(url: str, *words: str) -> None:
    """The journal does not open."""
    with pytest.raises(JournalError) as error:
        SqlJournal(url)
    says(error, *words)


# ---- no place for a journal


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:x?mode=memory&uri=true",
        "sqlite:///file::memory:?uri=true",
    ],
)
def test_sqlite_in_memory_is_refused(url: str) -> None:
    refused(url, "gone with its process", "use MemoryJournal()")


@pytest.mark.parametrize("url", ["sagas.db", "", "mysql://host/sagas"])
def test_what_is_no_url_of_a_database_we_know_is_refused(url: str) -> None:
    refused(url, "SQLite or PostgreSQL" if "mysql" in url else "sqlite:///folder/file.db")


def test_postgresql_without_its_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    refused("postgresql://host/sagas", 'pip install "saga-lab[postgres]"')


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    refused(f"sqlite:///{tmp_path}/none/sagas.db", f"{tmp_path}/none", "folder exists", "four")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear bank, " * 1000)
    refused(f"sqlite:///{tmp_path}/letter.txt", "no SQLite database", "another file")
    assert (tmp_path / "letter.txt").read_text() == "Dear bank, " * 1000


def test_the_database_of_another_program_is_left_as_it_was(place: Place) -> None:
    place.run("CREATE TABLE bookmarks (title TEXT)")
    refused(place.url, "another program", "bookmarks", "Nothing was changed", "of its own")
    assert tables(place) == ["bookmarks"]


def test_other_tables_may_stand_beside_those_of_a_journal(place: Place) -> None:
    place.open()
    place.run("CREATE TABLE bookmarks (title TEXT)")
    place.open()


def test_tables_named_like_ours_without_a_version_are_left_as_they_were(place: Place) -> None:
    place.run("CREATE TABLE saga_lab_sagas (title TEXT)")
    refused(place.url, "saga_lab_sagas", "already exists")
    assert tables(place) == ["saga_lab_sagas"]


def test_the_tables_of_a_newer_program_are_left_as_they_were(place: Place) -> None:
    place.open()
    place.run("UPDATE saga_lab_schema SET version = 3")
    refused(place.url, "version 3", "version 2", "Nothing was changed", "newer")
    assert place.run("SELECT version FROM saga_lab_schema") == [(3,)]


def tables(place: Place) -> list[str]:
    kind = database.Sqlite if place.url.startswith("sqlite") else database.Postgres
    return [name for (name,) in place.run(kind.tables)]


# ---- a server that does not let us in


def test_no_server(tmp_path: Path) -> None:
    refused(f"postgresql:///sagas?host={tmp_path}", str(tmp_path), "server runs")


def test_a_wrong_password(server: str) -> None:
    refused(server.replace("a%20secret", "no%20secret"), "password authentication failed", "password")


def test_no_such_database(server: str) -> None:
    refused(server.replace("/postgres?", "/nowhere?"), '"nowhere" does not exist', "database")


@told
async def test_a_connection_that_was_lost_is_made_again(postgresql: Place) -> None:
    journal = postgresql.open()
    await journal.append("s1", [started()], 0)
    postgresql.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    await journal.append("s1", [noted(1)], 1)
    assert list(journal.read("s1")) == [started(), noted(1)]


# ---- no write


@told
async def test_a_read_only_database_can_be_read(place: Place) -> None:
    await place.open().append("s1", [started()], 0)
    if place.url.startswith("sqlite"):
        place.url = place.url.replace("sqlite:///", "sqlite:///file:") + "&mode=ro&uri=true"
        journal = place.open()
    else:
        journal = place.open("%20-cdefault_transaction_read_only%3Don")
    with pytest.raises(JournalError) as error:
        await journal.append("s1", [noted(1)], 1)
    says(error, "Nothing of this write was kept", "engine.recover()")
    assert list(journal.read("s1")) == [started()] and journal.ids() == ["s1"]


@told
async def test_a_database_locked_for_good_refuses_and_serves_when_it_is_free(sqlite: Place) -> None:
    journal = sqlite.open()
    with closing(sqlite.outside()) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalError) as error:
            await journal.append("s1", [started()], 0)
        says(error, "locked", "Another program", "Nothing of this write was kept")
        assert journal.ids() == []
    await journal.append("s1", [started()], 0)


@told
async def test_a_write_waits_for_a_lock_and_the_event_loop_does_not(sqlite: Place) -> None:
    sqlite.url = sqlite.url.replace("timeout=0.01", "timeout=60")
    journal = sqlite.open()
    other = sqlite.outside()
    other.execute("BEGIN IMMEDIATE")
    write = asyncio.ensure_future(journal.append("s1", [started()], 0))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not write.done()
    other.close()
    await write
    assert list(journal.read("s1")) == [started()]


class Disk:
    """A disk of so many pages, for all SQLite files."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._pages = 1_000_000
        self._connections: list[Any] = []
        connect = database.Sqlite.connect

        def connected(place: database.Sqlite, patient: bool) -> Any:
            self._connections.append(connect(place, patient))
            self.hold(self._pages)
            return self._connections[-1]

        monkeypatch.setattr(database.Sqlite, "connect", connected)

    def hold(self, pages: int) -> None:
        """At least what is there already."""
        self._pages = pages
        for connection in self._connections:
            with suppress(sqlite3.ProgrammingError):  # it is closed
                connection.execute(f"PRAGMA max_page_count = {pages}")


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


@told
async def test_on_a_full_disk_each_append_fails_by_itself_and_nothing_is_lost(
    disk: Disk, sqlite: Place
) -> None:
    journal = sqlite.open()
    await journal.append("s1", [started()], 0)
    disk.hold(20)
    much = [started("much")] * 2000
    large, small = await asyncio.gather(
        journal.append("much", much, 0), journal.append("s1", [noted(1)], 1), return_exceptions=True
    )
    assert small is None and isinstance(large, JournalError)
    assert "full" in str(large) and "Make room on the disk" in str(large)
    assert list(journal.read("s1")) == [started(), noted(1)] and list(journal.read("much")) == []
    disk.hold(1_000_000)
    await journal.append("much", much, 0)
    assert list(sqlite.open().read("much")) == much


@told
async def test_a_saga_that_a_full_disk_suspended_goes_on_when_there_is_room(
    disk: Disk, sqlite: Place
) -> None:
    story: list[str] = []

    async def act(key: str, text: str = "") -> None:
        story.append(key)

    async def order(saga: SagaContext, request: str) -> str:
        await saga.step("A", act)
        await saga.step("B", act, "much" * 100_000)
        return "done"

    engine = Engine(sqlite.open())
    disk.hold(20)
    run = await engine.start(order, "", id="s1")
    with pytest.raises(JournalError):
        await run.result()
    assert story == ["s1/A"] and run.state == "RUNNING"
    disk.hold(1_000_000)
    await engine.recover()
    assert await engine.get("s1").result() == "done"
    # That A was done is durable with the intent of B, which found no room: so it is asked for again.
    assert story == ["s1/A", "s1/A", "s1/B"]


# ---- damage


def test_a_damaged_file_is_reported_and_kept(sqlite: Place, tmp_path: Path) -> None:
    async def fill() -> None:
        await sqlite.open().append("s1", [noted(n) for n in range(1000)], 0)

    asyncio.run(fill())
    sqlite.close()
    path = tmp_path / "sagas.db"
    damaged = bytearray(path.read_bytes())
    damaged[8192:] = b"\xff" * (len(damaged) - 8192)
    path.write_bytes(damaged)
    with pytest.raises(JournalError) as error:
        sqlite.open().read("s1")
    says(error, "malformed", "damaged", "backup")
    assert path.read_bytes() == damaged


@told
async def test_one_unreadable_saga_keeps_no_other_from_being_recovered(place: Place) -> None:
    async def order(saga: SagaContext, request: str) -> str:
        return "done"

    journal = place.open()
    for id in ("s1", "s2"):
        await journal.append(id, [e.Started("order", Raw(b'""'), id=id)], 0)
    place.run('UPDATE saga_lab_events SET body = \'{"type":"of tomorrow"}\' WHERE saga = 1')
    engine = Engine(journal)
    engine.register(order)
    with pytest.raises(JournalError) as error:
        await engine.recover()
    says(error, "'s1'", "of tomorrow", "newer")
    assert await engine.get("s2").result() == "done"


# ---- what only a server says


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (psycopg.errors.DiskFull, "Make room"),
        (psycopg.errors.TooManyConnections, "max_connections"),
        (psycopg.errors.InsufficientPrivilege, "Grant"),
        (psycopg.errors.AdminShutdown, "server runs"),
        (psycopg.errors.UndefinedTable, "backup"),
        (psycopg.errors.DivisionByZero, "Mend what it names"),
    ],
)
def test_what_a_server_refuses_is_explained(error: type[psycopg.Error], advice: str) -> None:
    place = database.database(f"postgresql://lab:{quote(PASSWORD)}@host/sagas")
    explained = str(place.explained(error("the server's words")))
    assert explained.startswith("the journal postgresql://lab:***@host/sagas: the server's words. ")
    assert advice in explained


# ---- misuse


@told
async def test_a_closed_journal_says_so(place: Place) -> None:
    journal = place.open()
    await journal.append("s1", [started()], 0)
    waiting = asyncio.ensure_future(journal.append("s2", [started("s2")], 0))
    await asyncio.sleep(0)
    journal.close()
    journal.close()
    for use in (waiting, journal.append("s1", [noted(1)], 1), journal.claim("s1", "me", 1, 0)):
        with pytest.raises(JournalError, match="is closed"):
            await use
    with pytest.raises(JournalError, match="is closed"):
        journal.read("s1")


@told
async def test_a_journal_is_not_used_on_both_sides_of_a_fork(place: Place) -> None:
    journal = place.open()
    await journal.append("s1", [started()], 0)
    child = os.fork()
    if child == 0:  # no test may go on twice
        try:
            journal.read("s1")
        except JournalError as error:
            os._exit(0 if "fork" in str(error) else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    await journal.append("s1", [noted(1)], 1)
