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
from contextvars import Context
from typing import Any


class VirtualLoop(asyncio.AbstractEventLoop):
    """Enough of asyncio for tasks, futures, timers, locks and gather; no sockets, no threads."""

    def __init__(self, now: int = 0) -> None:
        self.now = now
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[int, int, asyncio.TimerHandle]] = []
        self._count = 0

    def turn(self, now: int, then: Callable[[], None] | None = None) -> None:
        """Make it `now`, fire the timers that are due, do `then`, and run until everybody waits."""
        self.now = now
        timers, ready = self._timers, self._ready
        before = asyncio._get_running_loop()
        asyncio._set_running_loop(self)
        try:
            while timers and timers[0][0] <= now:
                ready.append(heapq.heappop(timers)[2])
            if then is not None:
                ready.append(asyncio.Handle(then, (), self))
            while True:
                while timers and timers[0][0] <= now:
                    ready.append(heapq.heappop(timers)[2])
                if not ready:
                    return
                while ready:
                    handle = ready.popleft()
                    if not handle.cancelled():
                        handle._run()
        finally:
            asyncio._set_running_loop(before)

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
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self._call_at_ms(self.now + max(0, _whole(delay * 1000)), callback, args, context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self._call_at_ms(_whole(when * 1000), callback, args, context)

    def _call_at_ms(
        self, when: int, callback: Callable[..., Any], args: tuple[Any, ...], context: Context | None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when / 1000, callback, args, self, context)
        self._count += 1
        heapq.heappush(self._timers, (when, self._count, handle))
        return handle

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override]
        self, coro: Coroutine[Any, Any, Any], *, name: str | None = None, **options: Any
    ) -> asyncio.Task[Any]:
        return asyncio.Task(coro, loop=self, name=name or "saga", **options)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """The dead do not complain."""

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        pass


def _whole(ms: float) -> int:
    """Whole milliseconds, never early: a wait that ends a little too soon is begun again, for ever.

    A thousandth is what a clock of floats loses by itself, so it does not count.
    """
    return math.ceil(ms - 0.001)
