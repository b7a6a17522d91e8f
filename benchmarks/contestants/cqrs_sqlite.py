"""python-cqrs on SQLite through SQLAlchemy and aiosqlite, WAL and full sync."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import contest
import sqlalchemy
from contestants import cqrs_memory
from cqrs.saga.storage import sqlalchemy as storage
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.ext.compiler import compiles


@compiles(sqlalchemy.BigInteger, "sqlite")
def _(type: Any, compiler: Any, **options: Any) -> str:
    return "INTEGER"  # its log's key is a BIGINT, which SQLite does not count up by itself


class Contestant(cqrs_memory.Contestant):
    durable = True

    async def storage(self, folder: Path) -> Any:
        options = {"connect_args": {"timeout": 60}, "pool_size": 5, "max_overflow": 0, "pool_timeout": 600}
        engine = create_async_engine(f"sqlite+aiosqlite:///{folder}/cqrs.db", **options)
        sqlalchemy.event.listen(engine.sync_engine, "connect", contest.full_sync)
        async with engine.begin() as connection:
            await connection.run_sync(storage.Base.metadata.create_all)
        return storage.SqlAlchemySagaStorage(async_sessionmaker(engine, expire_on_commit=False))
