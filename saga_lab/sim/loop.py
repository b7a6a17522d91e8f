"""A bare event loop in virtual time: whole milliseconds, no selector, told what time it is.

It never decides that time passes; it only says when its next timer is due. Integers cannot lose a
timer, as a float clock near a billion seconds does.
"""

from __future__ import annotations

import asyncio
import heapq
import math
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from typing import Any


class VirtualLoop(asyncio.AbstractEventLoop):
    """Enough of asyncio for tasks, futures, timers, locks and gather; no sockets, no threads."""

    def __init__(self, now: int = 0) -> None:
        self.now = now
        self._ready: deque[tuple[Callable[..., Any], tuple[Any, ...], Context]] = deque()
        self._timers: list[tuple[int, int, _Timer]] = []
        self._count = 0

    def turn(self, now: int, then: Callable[[], None] | None = None) -> None:
        """Make it `now`, fire the timers that are due, do `then`, and run until everybody waits."""
        self.now = now
        ready = self._ready
        before = asyncio._get_running_loop()
        asyncio._set_running_loop(self)
        try:
            self._move_timers()
            if then is not None:
                ready.append((then, (), copy_context()))
            while ready:
                while ready:
                    callback, args, context = ready.popleft()
                    try:
                        context.run(callback, *args)
                    except (SystemExit, KeyboardInterrupt):
                        raise
                    except BaseException:  # noqa: BLE001 - the dead do not complain
                        pass
                self._move_timers()
        finally:
            asyncio._set_running_loop(before)

    def _move_timers(self) -> None:
        """Those that are due are ready."""
        timers = self._timers
        while timers and timers[0][0] <= self.now:
            timer = heapq.heappop(timers)[2]
            self._ready.append((timer.fire, (), timer.context))

    def next_timer(self) -> int | None:
        """When the next timer is due, in ms; None when there is none."""
        timers = self._timers
        while timers and timers[0][2].cancelled():
            heapq.heappop(timers)
        return timers[0][0] if timers else None

    # ---- what asyncio asks of a loop

    def time(self) -> float:
        return self.now / 1000

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> None:
        # Nobody takes back what is done at once, so it needs no handle: a tenth of a run's time.
        self._ready.append((callback, args, copy_context() if context is None else context))

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> _Timer:
        return self._call_at_ms(self.now + max(0, _whole(delay * 1000)), callback, args, context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> _Timer:
        return self._call_at_ms(_whole(when * 1000), callback, args, context)

    def _call_at_ms(
        self, when: int, callback: Callable[..., Any], args: tuple[Any, ...], context: Context | None
    ) -> _Timer:
        timer = _Timer(callback, args, copy_context() if context is None else context)
        self._count += 1
        heapq.heappush(self._timers, (when, self._count, timer))
        return timer

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override]
        self, coro: Coroutine[Any, Any, Any], *, name: str | None = None, **options: Any
    ) -> asyncio.Task[Any]:
        return asyncio.Task(coro, loop=self, name=name or "saga", **options)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Nobody listens."""

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False


class _Timer:
    """What asyncio asks of a timer: that it can be cancelled."""

    __slots__ = ("_args", "_callback", "_cancelled", "context")

    def __init__(self, callback: Callable[..., Any], args: tuple[Any, ...], context: Context) -> None:
        self._callback = callback
        self._args = args
        self._cancelled = False
        self.context = context

    def cancel(self) -> None:
        self._cancelled = True

    def cancelled(self) -> bool:
        return self._cancelled

    def fire(self) -> None:
        if not self._cancelled:
            self._callback(*self._args)


def _whole(ms: float) -> int:
    """Whole milliseconds, never early: a wait that ends a little too soon is begun again, for ever.

    A thousandth is what a clock of floats loses by itself, so it does not count.
    """
    return math.ceil(ms - 0.001)
