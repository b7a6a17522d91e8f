"""DBOS on SQLite, WAL and full sync; undone by hand, as its manual shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import contest
import sqlalchemy
from dbos import DBOS, _sys_db_sqlite


class Contestant:
    durable = True

    async def open(self, folder: Path) -> None:
        made = _sys_db_sqlite.SQLiteSystemDatabase._create_engine

        def create(self: Any, *args: Any, **options: Any) -> Any:
            engine = made(self, *args, **options)
            sqlalchemy.event.listen(engine, "connect", contest.full_sync)
            return engine

        _sys_db_sqlite.SQLiteSystemDatabase._create_engine = create
        url = f"sqlite:///{folder}/dbos.db"
        DBOS(
            config={
                "name": "contest",
                "system_database_url": url,
                "log_level": "CRITICAL",
                "run_admin_server": False,
            }
        )
        act, undo, decline = DBOS.step()(contest.act), DBOS.step()(contest.undo), DBOS.step()(contest.decline)

        @DBOS.workflow()
        async def succeed() -> None:
            for _ in range(4):
                await act()

        @DBOS.workflow()
        async def fail() -> str:
            try:
                for _ in range(3):
                    await act()
                await decline()
            except contest.Declined:
                for _ in range(3):
                    await undo()
                return "failed"
            return "completed"

        self._succeed, self._fail = succeed, fail
        DBOS.launch()

    async def succeed(self) -> None:
        await self._succeed()

    async def fail(self) -> None:
        assert await self._fail() == "failed"
