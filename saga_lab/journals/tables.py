"""The tables of a journal in SQL, and every statement that is run on them.

One row per saga with all that is asked without reading its events, one row per event. The statements
are written in SQLAlchemy Core and compiled once, for the dialect of the database at hand.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    any_,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    true,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql import ClauseElement

from saga_lab.journals.requests import Row

PREFIX = "saga_lab_"
VERSION = 2
"""Of these tables. A newer one is never written by an older program."""

_big = BigInteger().with_variant(Integer(), "sqlite")  # SQLite numbers rows by INTEGER alone
_metadata = MetaData()

_sagas = Table(
    PREFIX + "sagas",
    _metadata,
    Column("number", _big, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("version", Integer, nullable=False),
    Column("worker", Text, nullable=False),
    Column("until", Double, nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("unfinished", Boolean, nullable=False),
    Column("parked", Boolean, nullable=False),
    Column("turned", Boolean, nullable=False),
    Column("news", Boolean, nullable=False),
)
_unfinished = _sagas.c.unfinished.is_(true())
_parked = _sagas.c.parked.is_(true())
_turned = _sagas.c.turned.is_(true())
_news = _sagas.c.news.is_(true())

_events = Table(
    PREFIX + "events",
    _metadata,
    Column("saga", _big, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
    sqlite_with_rowid=False,
)
for _name, _which in {"unfinished": _unfinished, "parked": _parked, "turned": _turned, "news": _news}.items():
    Index(f"{PREFIX}{_name}", _sagas.c.number, sqlite_where=_which, postgresql_where=_which)


@dataclass(frozen=True)
class Statements:
    """SQL in the words of one database, with named parameters."""

    create: list[str]
    enter: str
    lock: str
    advance: str
    update: str
    add: str
    forget: str
    read: str
    all: str
    unfinished: str
    parked: str
    turned: str
    news: str


def statements(dialect: Dialect) -> Statements:
    """Compile all of them."""

    def sql(statement: ClauseElement) -> str:
        return str(statement.compile(dialect=dialect))

    begun = _sagas.c.version > literal_column("0")  # a lease may be there before the first event
    every = select(_sagas.c.id).order_by(_sagas.c.number)
    row = Row.__struct_fields__
    saga = select(_sagas.c.number).where(_sagas.c.id == bindparam("id")).scalar_subquery()
    this = update(_sagas).where(_sagas.c.number == bindparam("number"))
    on_sqlite = dialect.name == "sqlite"
    return Statements(
        create=[sql(CreateTable(table)) for table in _metadata.sorted_tables]
        + [sql(CreateIndex(index)) for index in sorted(_sagas.indexes, key=lambda index: str(index.name))],
        enter=sql(
            (sqlite.insert if on_sqlite else postgresql.insert)(_sagas)
            .values({name: bindparam(name) for name in row if name != "number"})
            .on_conflict_do_nothing()
        ),
        lock=sql(
            select(*(_sagas.c[name] for name in row))
            .where(
                _sagas.c.id.in_(select(func.json_each(bindparam("ids")).table_valued("value").c.value))
                if on_sqlite
                else _sagas.c.id == any_(bindparam("ids", type_=ARRAY(Text)))
            )
            .order_by(_sagas.c.id)  # always in one order, so that no two groups wait for each other
            .with_for_update()
        ),
        advance=sql(this.values(version=bindparam("version"))),
        update=sql(this.values({name: bindparam(name) for name in row if name not in ("number", "id")})),
        add=sql(insert(_events)),
        forget=sql(delete(_events).where(_events.c.saga == bindparam("number"))),
        read=sql(
            select(_events.c.body)
            .where(_events.c.saga == saga, _events.c.version >= bindparam("start"))
            .order_by(_events.c.version)
        ),
        all=sql(every.where(begun)),
        unfinished=sql(every.where(_unfinished)),
        parked=sql(every.where(_parked)),
        turned=sql(every.where(_turned)),
        news=sql(select(_sagas.c.id, _sagas.c.version).where(_news)),
    )
