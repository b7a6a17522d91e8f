"""A database of ours: how it is opened, how a transaction begins, and its errors in words."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import msgspec
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import URL, Dialect, make_url
from sqlalchemy.exc import ArgumentError

from saga_lab.journals.errors import JournalError, Locked
from saga_lab.journals.tables import Statements, statements

PATIENCE = 5.0
"""Seconds to wait for another program's lock on an SQLite file, unless the URL says `?timeout=`."""


@dataclass(frozen=True)
class Purpose:
    """What is kept in a database, in the words of its errors."""

    name: str
    instead: str
    """What to use when nothing need be durable."""
    again: str
    """How work goes on once the database can be used."""
    error: type[Exception]
    locked: type[Exception]


JOURNAL = Purpose(
    "journal",
    "use MemoryJournal(), or ",
    "then engine.recover() goes on with the sagas that it suspended",
    JournalError,
    Locked,
)


class Database(Protocol):
    """What SQLite and PostgreSQL do differently."""

    purpose: Purpose
    dialect: Dialect
    error: type[Exception]
    begin: str
    alone: str
    """Waits until no other process makes the tables."""
    tables: str
    synced: tuple[str, str]
    """Before and after a transaction that need not survive the machine; empty where that saves nothing."""
    quick: bool
    """Its commits are short enough to be made where they are asked for, without a thread."""

    @property
    def sql(self) -> Statements:
        """What a journal says to it."""

    def connect(self, patient: bool) -> Any:
        """A DB-API connection that commits each statement by itself outside a transaction."""

    def array(self, items: Sequence[str]) -> Any:
        """Many values for one parameter."""

    def lost(self, connection: Any) -> bool:
        """The other end has gone away."""

    def explained(self, error: Exception) -> Exception:
        """What happened, what it means, and what to do: an error of the purpose."""


def database(url: str, purpose: Purpose = JOURNAL) -> Database:
    """The database at a URL; raises the purpose's error when it can be none."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise purpose.error(
            f"{url!r} is no database URL: write sqlite:///folder/file.db or postgresql://user@host/database"
        ) from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return Sqlite(parsed, purpose)
    if backend in ("postgresql", "postgres"):
        return Postgres(parsed, purpose)
    raise purpose.error(
        f"a {purpose.name} is kept in SQLite or PostgreSQL, not in {backend!r}: give another URL"
    )


class Sqlite:
    """A file beside the program: write-ahead log, each commit synced to the disk."""

    error: type[Exception] = sqlite3.Error
    begin = "BEGIN IMMEDIATE"
    alone = "SELECT 1"
    tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    synced = ("PRAGMA synchronous = NORMAL", "PRAGMA synchronous = FULL")
    quick = True

    def __init__(self, url: URL, purpose: Purpose) -> None:
        self.purpose = purpose
        self.dialect: Dialect = SQLiteDialect_pysqlite(dbapi=sqlite3, paramstyle="named")
        (self._file,), self._options = self.dialect.create_connect_args(url)
        if ":memory:" in self._file or url.query.get("mode") == "memory":
            raise purpose.error(
                f"a {purpose.name} in SQLite's memory is gone with its process and durable for nobody: "
                f"{purpose.instead}name a file, as in sqlite:///{purpose.name}.db"
            )

    @cached_property
    def sql(self) -> Statements:
        return statements(self.dialect)

    def connect(self, patient: bool) -> sqlite3.Connection:
        timeout = self._options.get("timeout", PATIENCE) if patient else 0
        options = {**self._options, "timeout": timeout, "isolation_level": None, "check_same_thread": False}
        connection: sqlite3.Connection = sqlite3.connect(self._file, **options)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
            if mode != "wal":
                (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            if mode != "wal":
                raise self.purpose.error(
                    f"SQLite cannot keep a write-ahead log for {self._file} (its mode stays {mode!r}), as on "
                    "a network folder. Nothing was written. Put the file on a local disk"
                )
        except BaseException:
            connection.close()
            raise
        return connection

    def array(self, items: Sequence[str]) -> str:
        return msgspec.json.encode(items).decode()

    def lost(self, connection: sqlite3.Connection) -> bool:
        return False

    def explained(self, error: Exception) -> Exception:
        # Python 3.11 and later: the primary result code is in the lowest byte.
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        kind = self.purpose.locked if code == sqlite3.SQLITE_BUSY else self.purpose.error
        advice = _SQLITE.get(code, _UNKNOWN).format(again=self.purpose.again)
        return kind(f"the {self.purpose.name} {self._file}: {error}. {advice}")


_SAFE = "Nothing of this write was kept, and what was written before is safe"
_AGAIN = "{again}"  # the purpose's words
_UNKNOWN = f"The write or read did not happen. Mend what it names, {_AGAIN}"
_SQLITE = {
    sqlite3.SQLITE_BUSY: f"Another program holds a lock on the file. {_SAFE}. Find who holds it (an open "
    f"transaction, a backup) and let it end, {_AGAIN}",
    sqlite3.SQLITE_FULL: f"There is no room for more. {_SAFE}. Make room on the disk, {_AGAIN}",
    sqlite3.SQLITE_READONLY: f"The file, its folder or the URL forbids writing. {_SAFE}. Give this user the "
    f"right to write the file and its folder, {_AGAIN}",
    sqlite3.SQLITE_CANTOPEN: "The file cannot be opened or made. Nothing was read or written. Look whether "
    "its folder exists and this user may write there; in the URL a relative path has three slashes, an "
    "absolute one four",
    sqlite3.SQLITE_NOTADB: "The file is no SQLite database, and was left as it is. Give the name of another "
    "file, or put a backup in its place",
    sqlite3.SQLITE_CORRUPT: "The file is damaged: a disk fault, or a copy made during a write. Stop the "
    "workers, keep the file with its -wal beside it, and put a backup in its place, or save what can be "
    "read with: sqlite3 FILE .recover",
    sqlite3.SQLITE_IOERR: "The disk failed while it was read or written, so the last write is in doubt; the "
    f"file itself says whether it was kept. Mend the disk, {_AGAIN}",
}


class Postgres:
    """A server that several machines share. psycopg 3."""

    begin = "BEGIN"
    alone = "SELECT pg_advisory_xact_lock(7236834612)"
    tables = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename"
    # A server that crashes may forget such a claim while its worker, elsewhere, lives on.
    synced = ("", "")
    quick = False

    def __init__(self, url: URL, purpose: Purpose) -> None:
        try:
            import psycopg
        except ImportError:
            raise purpose.error(
                f"a {purpose.name} in PostgreSQL needs psycopg, which is not installed. Nothing was read or "
                'written. Install it: pip install "saga-lab[postgres]"'
            ) from None
        self.error: type[Exception] = psycopg.Error
        self._psycopg = psycopg
        untyped: Any = PGDialect_psycopg
        self.purpose = purpose
        self.dialect: Dialect = untyped(dbapi=psycopg)
        _, self._options = self.dialect.create_connect_args(url)
        self._where = url.render_as_string(hide_password=True)

    @cached_property
    def sql(self) -> Statements:
        return statements(self.dialect)

    def connect(self, patient: bool) -> Any:
        return self._psycopg.connect(**self._options, autocommit=True)

    def array(self, items: Sequence[str]) -> list[str]:
        return list(items)

    def lost(self, connection: Any) -> bool:
        return bool(connection.closed)

    def explained(self, error: Exception) -> Exception:
        code = getattr(error, "sqlstate", None) or ""
        lost = isinstance(error, self._psycopg.OperationalError) and not code
        advice = _LOST if lost else _POSTGRES.get(code, _POSTGRES.get(code[:2], _UNKNOWN))
        advice = advice.format(again=self.purpose.again)
        return self.purpose.error(
            f"the {self.purpose.name} {self._where}: {' '.join(str(error).split())}. {advice}"
        )


_LOST = (
    "There is no connection to the server, so a write just under way is in doubt; the database itself says "
    "whether it was kept. Look that the server runs and listens there, and that user, password and "
    f"database are right, {_AGAIN}"
)
_POSTGRES = {
    "53100": f"The server's disk is full. {_SAFE}. Make room there, {_AGAIN}",
    "53300": f"The server takes no more connections. {_SAFE}. Raise max_connections, "
    f"or run fewer workers, {_AGAIN}",
    "25006": f"The server is read-only, as a standby is. {_SAFE}. Give the URL of the primary, {_AGAIN}",
    "42501": f"This user may not do that. {_SAFE}. Grant the right to create and use tables in the schema, "
    f"{_AGAIN}",
    "42P01": f"One of its tables is gone. {_SAFE}. Put a backup in place, {_AGAIN}",
    "57": _LOST,
    "08": _LOST,
}
