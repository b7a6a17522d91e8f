"""A small laboratory for tests: services with a ledger, workers that die, and virtual time.

Upper case is an action, lower case its undo. `faults` says what the next requests of an operation
meet: "no", "down", "lost", "hang", "crash" (before the effect), "die" (after it); one that ends in
"*" stays for good.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from saga_lab import Engine, Lookup, MemoryJournal, Refused, Run, Unavailable
from saga_lab.journals import Journal
from saga_lab.sim.loop import VirtualLoop

DAY = 86_400.0
EPOCH = 1_000_000.0


def play(story: Coroutine[Any, Any, Any]) -> Any:
    """Run a story to its end; time jumps to whatever comes next."""
    loop = _Loop()
    task = loop.create_task(story)
    loop.turn(0)
    while not task.done():
        soon = loop.next_timer()
        assert soon is not None, "the story hangs: nothing is left that could wake it"
        loop.turn(soon)
    return task.result()


class _Loop(VirtualLoop):
    """What a thread would do is done at once: time passes only when nobody works."""

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, function: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        future = self.create_future()
        try:
            future.set_result(function(*args))
        except Exception as error:  # noqa: BLE001 - raised where it is awaited
            future.set_exception(error)
        return future


class Death(BaseException):
    """The worker's process died here."""


class Clock:
    def now(self) -> float:
        return EPOCH + asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass
class Order:
    amount: int = 10


class Services:
    """All services A to Z: `shop.A(key)` acts, `shop.a(key)` undoes, `shop.find_A(key)` looks up."""

    def __init__(self) -> None:
        self.story: list[str] = []
        self.asked: list[str] = []
        self.live: dict[str, str] = {}
        self.closed: set[str] = set()
        self.faults: dict[str, list[str]] = {}
        self.during: dict[str, Callable[[], Awaitable[Any]]] = {}

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        if len(name) != 1 and not name.startswith("find_"):
            raise AttributeError(name)

        async def call(key: str, *args: Any) -> Any:
            return await self._ask(name, key)

        return call

    async def _ask(self, name: str, key: str) -> Any:
        self.asked.append(name)
        plan = self.faults.get(name, [])
        fault = "" if not plan else plan[0][:-1] if plan[0].endswith("*") else plan.pop(0)
        if fault == "no":
            raise Refused("no")
        if fault == "down":
            raise Unavailable("down")
        if fault == "crash":
            raise Death
        if name in self.during:
            await self.during[name]()
        value = self._happen(name, key)
        if fault == "lost":
            raise ConnectionError("the reply was lost")
        if fault == "hang":
            await asyncio.sleep(10 * DAY)
        if fault == "die":
            raise Death
        return value

    def _happen(self, name: str, key: str) -> Any:
        if name.startswith("find_"):
            return Lookup("done", self.live[key]) if key in self.live else Lookup("unseen")
        if name.islower():
            self.closed.add(key)
            if self.live.pop(key, None):
                self.story.append(name)
            return None
        if key in self.closed:
            raise Refused("closed")
        if key not in self.live:
            self.live[key] = f"{name}-{key}"
            self.story.append(name)
        return self.live[key]


def new_journal() -> Journal:
    """The journal of the next laboratory. The fixture `each_journal` replaces it."""
    return MemoryJournal()


class Lab:
    """One journal, one world, and the engine of the worker that lives now."""

    def __init__(self) -> None:
        self.journal = new_journal()
        self.shop = Services()
        self.engine = Engine(self.journal, clock=Clock())

    async def start(self, saga: Callable[..., Any], id: str = "s1") -> Run:
        return await self.engine.start(saga, Order(), self.shop, id=id)

    async def run(self, saga: Callable[..., Any], id: str = "s1") -> Any:
        """What it returned, or the exception that came out."""
        run = await self.start(saga, id)
        try:
            return await run.result()
        except BaseException as error:  # noqa: BLE001 - a test looks at it
            return error

    async def restart(self, *sagas: Callable[..., Any], after: float = 7200) -> Engine:
        """The worker's process is gone; much later another one recovers what it left."""
        await self.engine.close()
        await asyncio.sleep(after)
        self.engine = Engine(self.journal, clock=Clock())
        for saga in sagas:
            self.engine.register(saga, self.shop)
        await self.engine.recover()
        return self.engine

    def colleague(self, *sagas: Callable[..., Any]) -> Engine:
        """Another worker over the same journal, while the first one lives."""
        engine = Engine(self.journal, clock=Clock())
        for saga in sagas:
            engine.register(saga, self.shop)
        return engine

    def state(self, id: str = "s1") -> str:
        return str(self.engine.get(id).state)


def told(test: Callable[[Lab], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Play an async test in virtual time, with a laboratory of its own."""

    def wrapper() -> None:
        async def story() -> None:
            await test(Lab())

        play(story())

    wrapper.__name__ = test.__name__
    wrapper.__doc__ = test.__doc__
    return wrapper


async def moment() -> None:
    """Let everybody else go as far as they can."""
    await asyncio.sleep(0.001)
