"""Saga Lab in memory: journal, keys, time-outs and retries on."""

from __future__ import annotations

import itertools
from pathlib import Path

import contest

from saga_lab import Engine, MemoryJournal, Refused, SagaContext


async def act(key: str) -> dict[str, object]:
    return await contest.act()


async def undo(key: str) -> None:
    await contest.undo()


async def decline(key: str) -> None:
    try:
        await contest.decline()
    except contest.Declined:
        raise Refused("declined") from None


async def succeed(saga: SagaContext, order: str) -> None:
    for name in ("reserve", "charge", "ship", "notify"):
        await saga.step(name, act, compensate=undo)


async def fail(saga: SagaContext, order: str) -> None:
    for name in ("reserve", "charge", "ship"):
        await saga.step(name, act, compensate=undo)
    await saga.step("notify", decline, compensate=undo)


class Contestant:
    durable = False

    async def open(self, folder: Path) -> None:
        self._numbers = itertools.count()
        self._engine = self.engine(folder)
        for function in (succeed, fail):
            self._engine.register(function)

    def engine(self, folder: Path) -> Engine:
        return Engine(MemoryJournal())

    async def succeed(self) -> None:
        run = await self._engine.start(succeed, "ord-12345", id=f"s{next(self._numbers)}")
        await run.result()

    async def fail(self) -> None:
        run = await self._engine.start(fail, "ord-12345", id=f"f{next(self._numbers)}")
        try:
            await run.result()
        except Refused:
            return
        raise AssertionError("the refusal did not reach the caller")
