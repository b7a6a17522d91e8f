"""Gradebooks that cannot be used: each says what happened, what it means and what to do; nothing is lost."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from grader.gradebook import Gradebook, GradebookError, InUse
from saga_lab import SqlJournal
from tests.gradebook.conftest import Shelf
from tests.postgres import PASSWORD


def refused(url: str, *words: str) -> None:
    """It does not open; what it says holds these words, no secret, and nothing of journals."""
    with pytest.raises(GradebookError) as error:
        Gradebook(url)
    for word in words:
        assert word in str(error.value)
    for other in (PASSWORD, "%20", "journal", "sagas", "{"):
        assert other not in str(error.value)


def test_a_gradebook_in_sqlites_memory_is_refused() -> None:
    refused("sqlite://", "a gradebook in SQLite's memory", "name a file", "gradebook.db")


@pytest.mark.parametrize("url", ["gradebook.db", "", "mysql://host/grades"])
def test_what_is_no_url_of_a_database_we_know_is_refused(url: str) -> None:
    refused(url, "SQLite or PostgreSQL" if "mysql" in url else "sqlite:///folder/file.db")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    refused(f"sqlite:///{tmp_path}/none/gradebook.db", f"the gradebook {tmp_path}/none", "folder exists")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear bank, " * 1000)
    refused(f"sqlite:///{tmp_path}/letter.txt", "no SQLite database", "another file")
    assert (tmp_path / "letter.txt").read_text() == "Dear bank, " * 1000


def test_a_damaged_file_says_to_put_a_backup_in_its_place(sqlite: Shelf, tmp_path: Path) -> None:
    book = sqlite.open()
    book.enrol("ada")
    for number in range(100):
        book.hand_in("ada", 1, "a.py", str(number).encode() * 1000)
    book.close()
    file = tmp_path / "gradebook.db"
    data = bytearray(file.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    file.write_bytes(data)
    with pytest.raises(GradebookError, match=r"The file is damaged.*put a backup in its place"):
        sqlite.open().attempts()


def test_the_database_of_another_program_is_left_as_it_was(shelf: Shelf) -> None:
    shelf.run("CREATE TABLE bookmarks (title TEXT)")
    refused(
        shelf.url, "another program", "bookmarks", "has no gradebook", "Nothing was changed", "of its own"
    )


def test_a_journal_is_no_gradebook(tmp_path: Path) -> None:
    SqlJournal(f"sqlite:///{tmp_path}/sagas.db").close()
    with pytest.raises(GradebookError, match=r"another program.*saga_lab_events"):
        Gradebook(f"sqlite:///{tmp_path}/sagas.db")


def test_the_tables_of_a_newer_program_are_left_as_they_were(shelf: Shelf) -> None:
    shelf.open()
    shelf.run("UPDATE gradebook_schema SET version = 2")
    refused(
        shelf.url, "this gradebook's tables are of version 2", "version 1", "Nothing was changed", "newer"
    )
    assert shelf.run("SELECT version FROM gradebook_schema") == [(2,)]


def test_a_gradebook_that_is_locked_says_so_and_serves_when_it_is_free(sqlite: Shelf) -> None:
    book = sqlite.open()
    with closing(sqlite.outside()) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(InUse, match=r"locked.*Another program.*then do it again"):
            book.enrol("ada")
        assert book.learners() == []
    book.enrol("ada")


def test_a_read_only_gradebook_can_be_read(shelf: Shelf) -> None:
    shelf.open().enrol("ada")
    if shelf.url.startswith("sqlite"):
        shelf.url = shelf.url.replace("sqlite:///", "sqlite:///file:") + "&mode=ro&uri=true"
    else:
        shelf.url += "%20-cdefault_transaction_read_only%3Don"
    book = shelf.open()
    with pytest.raises(GradebookError, match="Nothing of this write was kept"):
        book.enrol("bert")
    assert [learner.id for learner in book.learners()] == ["ada"]


def test_on_a_full_disk_nothing_is_lost(sqlite: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    book = sqlite.open()
    book.enrol("ada")
    kept = book.hand_in("ada", 1, "a.py", b"small")
    connect = book._connect

    def full() -> sqlite3.Connection:
        raw: sqlite3.Connection = connect()
        raw.execute("PRAGMA max_page_count = 30")
        return raw

    book.close()
    monkeypatch.setattr(book._writer.pool, "_creator", full)
    with pytest.raises(GradebookError, match="Make room on the disk"):
        book.hand_in("ada", 1, "a.py", b"large" * 100_000)
    assert book.attempts() == [kept]


def test_no_server(tmp_path: Path) -> None:
    refused(f"postgresql:///grades?host={tmp_path}", str(tmp_path), "server runs")


def test_a_wrong_password(server: str) -> None:
    refused(server.replace("a%20secret", "no%20secret"), "password authentication failed", "password")


def test_a_connection_that_was_lost_is_made_again(postgresql: Shelf) -> None:
    book = postgresql.open()
    book.enrol("ada")
    postgresql.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    book.hand_in("ada", 1, "a.py", b"1")
    assert len(book.attempts()) == 1
