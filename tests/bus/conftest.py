"""A database of its own for each test of the bus: a file of SQLite, a schema of PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa


def quick(url: str) -> sa.Engine:
    """A database that spares the disk: its process never really dies here."""
    engine = sa.create_engine(url)
    sa.event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    return engine


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    engine: sa.Engine = request.getfixturevalue(request.param)
    yield engine
    engine.dispose()


@pytest.fixture
def sqlite(tmp_path: Path) -> sa.Engine:
    return quick(f"sqlite:///{tmp_path / 'town.db'}")


@pytest.fixture
def postgresql(server: str, numbers: Iterator[int]) -> sa.Engine:
    schema = f"town_{next(numbers)}"
    url = sa.make_url(f"{server}&options=-csearch_path%3D{schema}").set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url)
    with engine.begin() as tx:
        tx.execute(sa.schema.CreateSchema(schema))
    return engine
