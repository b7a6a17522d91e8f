"""Where the drills keep their journal: a file, or a server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest


@pytest.fixture(params=["sqlite", "postgresql"])
def journal_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty journal that several processes may open."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/sagas.db"
    server: str = request.getfixturevalue("server")
    numbers: Iterator[int] = request.getfixturevalue("numbers")
    schema = f"kills_{next(numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
    return f"{server}&options=-csearch_path%3D{schema}"
