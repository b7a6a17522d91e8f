"""A database of its own for each test of the bus."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa


def quick(url: str) -> sa.Engine:
    """A database that spares the disk: its process never really dies here."""
    engine = sa.create_engine(url)
    sa.event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    return engine


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = quick(f"sqlite:///{tmp_path / 'town.db'}")
    yield engine
    engine.dispose()
