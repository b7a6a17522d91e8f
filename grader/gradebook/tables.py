"""The tables of a gradebook in SQL. Beside these there is one with their version."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateIndex, CreateTable

PREFIX = "gradebook_"
VERSION = 1
"""Of these tables. A newer one is never written by an older program."""

_metadata = sa.MetaData()

learners = sa.Table(
    PREFIX + "learners",
    _metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("joined", sa.Double, nullable=False),
    sa.Column("token", sa.Text, unique=True),  # a hash of it
)
attempts = sa.Table(
    PREFIX + "attempts",
    _metadata,
    # SQLite numbers rows by INTEGER alone
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
    sa.Column("learner", sa.Text, nullable=False),
    sa.Column("exercise", sa.Integer, nullable=False),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("received", sa.Double, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("grader", sa.Text, nullable=False),
    sa.Column("until", sa.Double, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("edition", sa.Text, nullable=False),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("medal", sa.Text),
    sa.Column("points", sa.Integer, nullable=False),
    sa.Column("max_points", sa.Integer, nullable=False),
    sa.Column("seconds", sa.Double, nullable=False),
    sa.Column("source", sa.LargeBinary, nullable=False),
    sa.Column("report", sa.Text, nullable=False),
    sa.Index(PREFIX + "of_learner", "learner", "exercise"),
    sqlite_autoincrement=True,  # a number is never given twice
)
to_do = attempts.c.state != sa.literal_column("'done'")
"""Said so in a query, it finds the index below."""
sa.Index(PREFIX + "to_do", attempts.c.edition, attempts.c.number, sqlite_where=to_do, postgresql_where=to_do)
deadlines = sa.Table(
    PREFIX + "deadlines",
    _metadata,
    sa.Column("exercise", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("due", sa.Double, nullable=False),
    sa.Column("off", sa.Integer, nullable=False),
    sa.Column("closes", sa.Double),
    sa.Column("learner", sa.Text, primary_key=True),
)
overrides = sa.Table(
    PREFIX + "overrides",
    _metadata,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
    sa.Column("learner", sa.Text, nullable=False),
    sa.Column("exercise", sa.Integer, nullable=False),
    sa.Column("points", sa.Integer),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
)
keys = sa.Table(
    PREFIX + "keys",
    _metadata,
    sa.Column("role", sa.Text, primary_key=True),
    sa.Column("token", sa.Text, nullable=False),  # a hash of it
)


def create(dialect: Dialect) -> list[str]:
    """The SQL that makes them, in the words of one database."""
    tables = _metadata.sorted_tables
    indexes = [index for table in tables for index in sorted(table.indexes, key=lambda x: str(x.name))]
    return [str(CreateTable(table).compile(dialect=dialect)) for table in tables] + [
        str(CreateIndex(index).compile(dialect=dialect)) for index in indexes
    ]
