"""The tables that a service keeps beside its own, so that events and effects share a transaction."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from saga_lab.bus.broker import Event
from saga_lab.values import text, to_json

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""SQLite numbers only plain integers by itself."""


PREFIX = "saga_lab_bus_"
"""So that a journal, which takes no database of another program, can live beside these tables."""


def told() -> list[sa.Column[Any]]:
    """The columns of an event."""
    return [
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
    ]


metadata = sa.MetaData()
"""For `metadata.create_all(db)`, or for a migration."""

outbox = sa.Table(
    PREFIX + "outbox",
    metadata,
    sa.Column("seq", BIG, primary_key=True),
    *told(),
    sa.UniqueConstraint("id"),
    sqlite_autoincrement=True,  # a number is never given twice
)
inbox = sa.Table(
    PREFIX + "inbox",
    metadata,
    sa.Column("consumer", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("at", sa.Double, nullable=False, index=True),
)
dead_letters = sa.Table(
    PREFIX + "dead_letters",
    metadata,
    sa.Column("seq", BIG, primary_key=True),
    sa.Column("consumer", sa.Text, nullable=False),
    *told(),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.UniqueConstraint("consumer", "id"),
    sqlite_autoincrement=True,
)


def columns(event: Event) -> dict[str, str]:
    """An event as the columns of a row. Raises TypeError when its data is not plain."""
    data = text(to_json(event.data, f"the data of event {event.topic!r}"))
    return {"id": event.id, "topic": event.topic, "key": event.key, "data": data}


def event_in(row: sa.Row[Any]) -> Event:
    """The event that a row holds."""
    return Event(row.topic, row.key, msgspec.json.decode(row.data), row.id)


def insert_once(tx: sa.Connection, table: sa.Table, **values: Any) -> bool:
    """Insert a row; False when it is there already, whoever wrote it and however close the race."""
    dialect = postgresql if tx.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(table).values(**values).on_conflict_do_nothing()
    return tx.scalar(insert.returning(sa.literal_column("1"))) is not None
