"""minos with its storage in memory; the container that it wants injected is left out, in its favour."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import contest
from minos.saga import (
    Saga,
    SagaContext,
    SagaExecutionRepository,
    SagaFailedExecutionException,
    SagaManager,
)
from minos.saga.executions.executors import abc as executors
from minos.saga.executions.steps import local


class NoTransaction:
    def __init__(self, **options: Any) -> None:
        pass

    async def __aenter__(self) -> NoTransaction:
        return self

    async def __aexit__(self, *error: Any) -> None:
        pass


class Memory(SagaExecutionRepository):
    def __init__(self) -> None:
        super().__init__()
        self._kept: dict[Any, Any] = {}

    async def _store(self, execution: Any) -> None:
        self._kept[execution.uuid] = execution.raw

    async def _load(self, uuid: Any) -> Any:
        return self._kept[uuid]

    async def _delete(self, uuid: Any) -> None:
        self._kept.pop(uuid, None)


class Broker:
    @contextlib.asynccontextmanager
    async def acquire(self) -> AsyncIterator[None]:
        yield None


async def act(context: Any) -> Any:
    context["data"] = await contest.act()
    return context


async def undo(context: Any) -> Any:
    await contest.undo()
    return context


async def decline(context: Any) -> Any:
    await contest.decline()
    return context


class Contestant:
    durable = False

    async def open(self, folder: Path) -> None:
        local.get_service_name = lambda: "shop"
        executors.TransactionEntry = NoTransaction
        self._engine = SagaManager(storage=Memory(), broker_pool=Broker())
        good, bad = Saga(), Saga()
        for _ in range(3):
            good.local_step().on_execute(act).on_failure(undo)
            bad.local_step().on_execute(act).on_failure(undo)
        good.local_step().on_execute(act)
        bad.local_step().on_execute(decline)
        self._good, self._bad = good.commit(), bad.commit()

    async def succeed(self) -> None:
        await self._engine.run(self._good, SagaContext(order="ord-12345"), autocommit=False)

    async def fail(self) -> None:
        try:
            await self._engine.run(self._bad, SagaContext(order="ord-12345"), autocommit=False)
        except SagaFailedExecutionException:
            return
        raise AssertionError("the refusal did not reach the caller")
