"""The tables of a store: made once, by one process, and left alone when another version made them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from saga_lab.journals.database import Database


@dataclass(frozen=True)
class Schema:
    """The tables of one version: their names begin with `prefix`, and `create` is the SQL that makes them."""

    prefix: str
    version: int
    create: Sequence[str]


def prepare(raw: Any, database: Database, schema: Schema) -> None:
    """Make the tables if there are none, on a DB-API connection.

    Raises the database's error, or the purpose's when the database is not ours to use; the connection is
    to be closed then.
    """
    name, mark = database.purpose.name, f"{schema.prefix}schema"
    if mark not in _tables(raw, database):
        _make(raw, database, schema, mark)
    versions = raw.execute(f"SELECT version FROM {mark}").fetchall()
    if versions != [(schema.version,)]:
        kept = ", ".join(str(version) for (version,) in versions) or "none"
        raise database.purpose.error(
            f"this {name}'s tables are of version {kept}, and this program knows version {schema.version}. "
            "Nothing was changed. Install the saga_lab that made them, or a newer one"
        )


def _tables(raw: Any, database: Database) -> list[str]:
    return [name for (name,) in raw.execute(database.tables).fetchall()]


def _make(raw: Any, database: Database, schema: Schema, mark: str) -> None:
    raw.execute(database.begin)
    raw.execute(database.alone)
    names = _tables(raw, database)
    if mark not in names:  # else another process was quicker
        if foreign := [name for name in names if not name.startswith(schema.prefix)]:
            name = database.purpose.name
            raise database.purpose.error(
                f"this is the database of another program (tables: {', '.join(foreign[:5])}) and has no "
                f"{name}. Nothing was changed. Give the {name} a file, a database or a schema of its own"
            )
        for statement in (f"CREATE TABLE {mark} (version INTEGER NOT NULL)", *schema.create):
            raw.execute(statement)
        raw.execute(f"INSERT INTO {mark} (version) VALUES ({schema.version})")
    raw.execute("COMMIT")
