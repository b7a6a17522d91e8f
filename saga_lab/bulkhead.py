"""The bulkhead: at most so many calls to one service at once, so that it is not run down."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from saga_lab.errors import Unavailable
from saga_lab.guards import was_too_late

P = ParamSpec("P")
T = TypeVar("T")


class Bulkhead:
    """Wraps the actions of one service; at most `calls` of them run at once, the others wait in line.

        desk = Bulkhead(8)
        await saga.step("charge", desk(shop.payments.charge), order.amount, compensate=shop.payments.refund)

    Waiting takes from the attempt's `timeout`. When that runs out in line, the service was never reached:
    `Unavailable`, not in doubt. All sagas and engines of an event loop share the places. With a
    breaker, put the bulkhead outside, `desk(bank(action))`: a full line says nothing about the service.

    After Nygard, "Release It!" (2007). A bare semaphore would leave a time-out in line in doubt.
    """

    def __init__(self, calls: int) -> None:
        if calls < 1:
            raise ValueError(f"a bulkhead needs at least one place, not {calls}")
        self._calls = calls
        self._places: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()

    def __call__(self, action: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
        """The same action, with its name and types, behind this bulkhead."""

        @functools.wraps(action)
        async def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
            loop = asyncio.get_running_loop()
            places = self._places.setdefault(loop, asyncio.Semaphore(self._calls))
            try:
                await places.acquire()
            except asyncio.CancelledError as cut:
                if not was_too_late(cut):
                    raise
                raise Unavailable(
                    f"not called: waited too long in line, where at most {self._calls} calls run at once"
                ) from None
            try:
                return await action(*args, **kwargs)
            finally:
                places.release()

        return guarded
