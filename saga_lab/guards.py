"""Waiting that can be cut off: by a time-out, a cancel, or the deadline of a scope."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Awaitable, Callable, Generator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from saga_lab.incarnation import Incarnation

INSTANT = 1e-6
"""Seconds; nearer than a clock can tell."""


@dataclass(slots=True, eq=False)
class Deadline:
    """The instant at which a scope's time is up. `raised`: the saga was told, which happens once."""

    mark: str
    until: float
    raised: bool = False
    timer: asyncio.TimerHandle | None = None

    def end(self) -> None:
        """The scope was left in time, or its error is on its way."""
        self.raised = True
        if self.timer is not None:
            self.timer.cancel()


DEADLINES: ContextVar[tuple[Deadline, ...]] = ContextVar("deadlines", default=())
"""The deadlines of the scopes around what runs here."""


class Cut(BaseException):
    """Thrown in place of what is waited for: the saga was cancelled, or the time of a scope is up."""

    def __init__(self, deadline: Deadline | None = None) -> None:
        super().__init__()
        self.deadline = deadline


class Guard:
    """Lets a time-out, a cancel or a deadline cut off what one task is waiting for."""

    __slots__ = ("_task", "deadlines", "reason")

    def __init__(self) -> None:
        self.deadlines = DEADLINES.get()
        self._task = asyncio.current_task()
        self.reason: BaseException | None = None

    def cut(self, reason: BaseException) -> None:
        if self.reason is None and self._task is not None:
            self.reason = reason
            self._task.cancel(reason)  # told to what is cut off, see was_too_late

    def late(self, seconds: float) -> None:
        self.cut(TimeoutError(f"no answer within {seconds:g} s"))

    def lift(self) -> None:
        if self.reason is not None and self._task is not None:
            self._task.uncancel()


@types.coroutine
def guarded(
    saga: Incarnation, seconds: float | None, cuttable: bool, call: Callable[..., Awaitable[Any]], *args: Any
) -> Generator[Any, Any, Any]:
    """Await `call(*args)`; raises TimeoutError after `seconds`, or `Cut` if it is `cuttable`.

    What is there at once needs neither timer nor guard, so it is driven by hand up to its first wait. A bare
    timer and a cancel of the task cost a third of `asyncio.timeout`, and nothing is spawned.
    """
    if cuttable and (cut := saga.cut_due()) is not None:
        raise cut
    awaitable = call(*args)
    steps: Any = awaitable if hasattr(awaitable, "send") else _awaiting(awaitable)
    try:
        waits = steps.send(None)
    except StopIteration as answer:
        return answer.value
    saga.flush_soon()
    guard, timer = Guard(), None
    if cuttable:
        saga.guards[guard] = None
    if seconds is not None:
        timer = asyncio.get_running_loop().call_later(seconds, guard.late, seconds)
    try:
        while True:
            try:
                sent = yield waits
            except BaseException as thrown:  # noqa: BLE001 - whatever it is, it is meant for the call
                waits = steps.throw(thrown)
            else:
                waits = steps.send(sent)
    except StopIteration as answer:
        return answer.value
    except asyncio.CancelledError as error:
        raise guard.reason or saga.die(error) from None
    finally:
        if timer is not None:
            timer.cancel()
        saga.guards.pop(guard, None)
        guard.lift()
        saga.alive()


def was_too_late(cut: BaseException) -> bool:
    """What cut off a call was its time-out; not a cancel, not a crash."""
    return isinstance(cut, asyncio.CancelledError) and isinstance(next(iter(cut.args), None), TimeoutError)


async def _awaiting(awaitable: Awaitable[Any]) -> Any:
    return await awaitable
