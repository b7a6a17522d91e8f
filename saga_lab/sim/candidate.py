"""The saga's side of a simulation: a learner's function on the real engine, in virtual time.

It holds no world, no fault and no verdict. All it can do is say what it wants and wait.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import typing
from collections.abc import Callable, Coroutine, Sequence
from types import FrameType
from typing import Any

from saga_lab.engine import Engine
from saga_lab.errors import Refused, Suspended, Unavailable
from saga_lab.events import Event
from saga_lab.journals import Only, Stale
from saga_lab.sim.loop import VirtualLoop
from saga_lab.sim.messages import (
    Append,
    Begin,
    Call,
    Deliver,
    End,
    Ended,
    GaveUp,
    Message,
    Order,
    Turn,
    in_words,
)
from saga_lab.values import from_json, to_json
from saga_lab.worlds.world import World

EPOCH = 1_767_258_000.0
"""The world's clock at millisecond 0, in seconds: 2026-01-01, 09:00 UTC."""


class Exited(Exception):
    """A saga that ends its process: told as any exception, so that the judge hears of it."""


class Candidate:
    """Runs one saga function, mostly one incarnation at a time; each exchange is one turn of its loop."""

    def __init__(self, function: Callable[..., Any], world: type[World]) -> None:
        self._world = world
        self._function = function
        self._file = function.__code__.co_filename if hasattr(function, "__code__") else ""
        self._services = self._stub(world.services_type)
        self._saga = self._typed()
        self._lives: dict[int, _Life] = {}
        self._life: _Life | None = None
        self._line = 0

    def exchange(self, order: Order) -> Turn:
        """Begin an incarnation, or go on with it; gives what it did until it could only wait."""
        if isinstance(order, Deliver):
            self._life = self._lives[order.life]
            return self._followed(self._life, order.now, order)
        self._end(order.life)
        if isinstance(order, End):
            return Turn([])
        self._line = 0
        life = _Life(order, self._saga, self._services, self._world.request_type)
        self._life = self._lives[order.life] = life
        return self._followed(life, order.now, None)

    def close(self) -> None:
        """Unwind all that still runs; nothing that it still does is heard."""
        for life in list(self._lives):
            self._end(life)

    def _end(self, life: int) -> None:
        if life in self._lives:
            self._life = self._lives.pop(life)
            self._life.end()
            self._life = None

    # ---- the saga

    def _typed(self) -> Callable[..., Any]:
        """The learner's function with the types of its exercise, which it need not repeat."""

        async def saga(context: Any, request: Any, services: Any) -> Any:
            assert self._life is not None
            self._life.function = main = self._function(context, request, services)
            try:
                result = await main
            except SystemExit:
                raise Exited("sys.exit was called") from None
            right = isinstance(result, self._world.result_type)
            return result if right else {"wrong_type": _kind(result)}

        saga.__name__ = self._world.function
        saga.__annotations__ = {"request": self._world.request_type}
        return saga

    def _followed(self, life: _Life, now: int, news: Deliver | None) -> Turn:
        """One turn; with `lines`, watched to tell at which line the saga function ended."""
        if not life.begin.lines:
            return life.turn(now, news)
        before = sys.gettrace()
        sys.settrace(self._trace)
        try:
            turn = life.turn(now, news)
        finally:
            sys.settrace(before)
        told = [
            Ended(message.result, message.error, self._line) if isinstance(message, Ended) else message
            for message in turn.messages
        ]
        return Turn(told, turn.wake)

    def _trace(self, frame: FrameType, event: str, arg: Any) -> Any:
        """Note the lines of the learner's function as they run."""
        if frame.f_code.co_filename != self._file:
            return None
        if event == "line" and frame.f_code.co_name == self._function.__name__:
            self._line = frame.f_lineno
        return self._trace

    # ---- its services

    def _stub(self, protocol: type, prefix: str = "") -> Any:
        """An object with the protocol's operations, each of which sends a call and waits for its reply."""
        parts = {name: self._stub(hint, f"{name}.") for name, hint in typing.get_type_hints(protocol).items()}
        for name, method in vars(protocol).items():
            if callable(method) and not name.startswith("_"):
                parts[name] = self._operation(prefix + name, method)
        return _Stub(prefix.rstrip(".") or self._world.name, parts)

    def _operation(self, operation: str, method: Callable[..., Any]) -> Callable[..., Any]:
        gives = typing.get_type_hints(method).get("return", Any)

        async def call(key: str, *args: Any) -> Any:
            if self._life is None:
                raise Suspended("the simulated process died")
            return await self._life.call(operation, str(key), args, gives, self._waiting_line())

        call.__qualname__ = operation
        call.__annotations__ = {"return": gives}
        return call

    def _waiting_line(self) -> int:
        """The learner's line that waits: where the call came from, else where the function stands."""
        frame: FrameType | None = sys._getframe(2)
        while frame is not None and frame.f_code is not VirtualLoop.turn.__code__:
            if frame.f_code.co_filename == self._file:
                return frame.f_lineno
            frame = frame.f_back
        # A step within saga.gather runs in a task of its own, far from the function's frame.
        standing = getattr(self._life and self._life.function, "cr_frame", None)
        return standing.f_lineno if standing is not None else 0


class _Stub:
    """A service, or all of them, as a saga sees them; what is not there is told with what is."""

    def __init__(self, name: str, parts: dict[str, Any]) -> None:
        self.__dict__.update(parts)
        self._told = name, list(parts)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        service, (*most, last) = self._told
        known = f"{', '.join(most)} and {last}" if most else last
        raise AttributeError(f"{service} has {known}; there is no {name}")


def _kind(value: Any) -> str:
    """What a value is, in a word or two."""
    return "None" if value is None else f"a value of type {type(value).__name__}"


class _Life:
    """One incarnation: a loop, an engine, and a journal that writes through."""

    def __init__(self, begin: Begin, saga: Callable[..., Any], services: Any, request_type: type) -> None:
        self.begin = begin
        self.function: Coroutine[Any, Any, Any] | None = None
        self._saga = saga
        self._services = services
        self._request_type = request_type
        self._out: list[Message] = []
        self._calls: dict[int, tuple[asyncio.Future[Any], Any]] = {}
        self._numbers = itertools.count(1)
        self._loop = VirtualLoop(begin.now)  # type: ignore[abstract]  # the rest refuses to work, as it should
        self._journal = _PortJournal(self._out, begin.journal)
        self._engine = Engine(self._journal, clock=_LoopClock(self._loop))
        self._main = self._loop.create_task(self._submit())

    def turn(self, now: int, news: Deliver | None) -> Turn:
        """Let time come and answers arrive, and run until everybody waits."""
        self._loop.turn(now, None if news is None else lambda: self._deliver(news))
        out = self._out[:]
        self._out.clear()
        return Turn(out, self._loop.next_timer())

    def end(self) -> None:
        """The process dies: its verbs are inert, and whatever its `finally` clauses do is not heard."""
        self._loop.turn(self._loop.now, self._die)
        self._journal.unwatch()

    def _die(self) -> None:
        for life in self._engine.lives():
            life.saga.die(Suspended("the simulated process died"))
        self._main.cancel()

    async def call(self, operation: str, key: str, args: tuple[Any, ...], gives: Any, line: int) -> Any:
        """Ask a service, and wait for its answer for as long as the caller does."""
        number = next(self._numbers)
        future = self._loop.create_future()
        self._calls[number] = (future, gives)
        given = to_json(args, f"the arguments of {operation}")
        self._out.append(Call(number, operation, key, given, line))
        try:
            return await future
        except asyncio.CancelledError:
            self._out.append(GaveUp(number))
            raise
        finally:
            del self._calls[number]

    async def _submit(self) -> None:
        """What a client does: submit the request, which takes up what is there, and wait for the result."""
        begin, engine = self.begin, self._engine
        engine.register(self._saga, self._services)
        try:
            request = from_json(begin.request, self._request_type)
            run = await engine.start(self._saga, request, id=begin.id)
            result = to_json(await run.result(), "the result")
            self._out.append(Ended(result))
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - told to whoever judges
            self._out.append(Ended(error=in_words(type(error).__name__, str(error))))
            error.with_traceback(None)  # or this frame, which it names, would wait for the collector

    def _deliver(self, news: Deliver) -> None:
        if news.facts:
            self._journal.take_in(news.facts)
        for reply in news.replies:
            future, gives = self._calls.get(reply.number, (None, None))
            if future is None or future.done():
                continue
            if not reply.error:
                future.set_result(from_json(reply.value, gives))
            elif reply.error == "refused":
                future.set_exception(Refused(reply.reason, reply.code))
            elif reply.error == "unavailable":
                future.set_exception(Unavailable(reply.reason))
            else:
                future.set_exception(ConnectionError(reply.reason))


class _PortJournal:
    """Writes go out in order and count at once: a write that is refused ends the incarnation anyway."""

    leases = False

    def __init__(self, out: list[Message], events: list[Event]) -> None:
        self._out = out
        self._events = list(events)
        self._watchers: list[Callable[[str], None]] = []

    async def append(
        self, id: str, events: Sequence[Event], expected_version: int, token: int | None = None
    ) -> None:
        if expected_version != len(self._events):
            raise Stale(id)
        self._out.append(Append(list(events), expected_version))
        self._events.extend(events)

    def read(self, id: str, start: int = 0) -> Sequence[Event]:
        return self._events[start:]

    def ids(self, only: Only = "all") -> list[str]:
        return [self._events[0].id] if self._events else []

    async def claim(
        self,
        id: str,
        worker: str,
        until: float,
        now: float,
        events: Sequence[Event] = (),
        expected_version: int = 0,
    ) -> int | None:
        if events:
            await self.append(id, events, expected_version)
        return 1

    def watch(self, callback: Callable[[str], None]) -> None:
        self._watchers.append(callback)

    def unwatch(self) -> None:
        """Nobody wants to hear any more."""
        self._watchers.clear()

    def take_in(self, facts: Sequence[Event]) -> None:
        """What others appended, as the scheduler tells it."""
        self._events.extend(facts)
        for watcher in self._watchers:
            watcher(facts[0].id)


class _LoopClock:
    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def now(self) -> float:
        return EPOCH + self._loop.now / 1000

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
