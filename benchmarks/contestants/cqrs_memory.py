"""python-cqrs with its storage in memory."""

from __future__ import annotations

import dataclasses
import types
from pathlib import Path
from typing import Any

import contest
from cqrs.handlers.saga import SagaStepHandler, SagaStepResult
from cqrs.saga.models import SagaContext
from cqrs.saga.saga import Saga
from cqrs.saga.storage.memory import MemorySagaStorage


@dataclasses.dataclass
class Order(SagaContext):
    order: str = "ord-12345"
    data: dict[str, Any] = dataclasses.field(default_factory=dict)


def step(name: str, call: Any) -> type:
    """A handler class of the form that python-cqrs wants."""

    async def act(self: Any, context: Order) -> Any:
        context.data = await call() or {}
        return SagaStepResult(response=None, step_type=type(self))

    async def compensate(self: Any, context: Order) -> None:
        await contest.undo()

    body = {"act": act, "compensate": compensate, "events": property(lambda self: [])}
    return types.new_class(name, (SagaStepHandler[Order, None],), {}, lambda space: space.update(body))


class Container:
    """Makes a handler from its class, as a container of services would."""

    external_container = None

    def attach_external_container(self, container: Any) -> None:
        pass

    async def resolve(self, kind: type) -> Any:
        return kind()


def saga(name: str, *steps: type) -> Any:
    return types.new_class(name, (Saga[Order],), {}, lambda space: space.update(steps=list(steps)))()


class Contestant:
    durable = False

    async def open(self, folder: Path) -> None:
        reserve, charge, ship, notify = (
            step(name, contest.act) for name in ("Reserve", "Charge", "Ship", "Notify")
        )
        self._good = saga("Good", reserve, charge, ship, notify)
        self._bad = saga("Bad", reserve, charge, ship, step("Declined", contest.decline))
        self._storage = await self.storage(folder)

    async def storage(self, folder: Path) -> Any:
        return MemorySagaStorage()

    async def _run(self, saga: Any) -> None:
        async with saga.transaction(context=Order(), container=Container(), storage=self._storage) as steps:
            async for _ in steps:
                pass

    async def succeed(self) -> None:
        await self._run(self._good)

    async def fail(self) -> None:
        try:
            await self._run(self._bad)
        except contest.Declined:
            return
        raise AssertionError("the refusal did not reach the caller")
