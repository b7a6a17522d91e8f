"""The circuit breaker: leave a service alone that does not answer, and try it again after a while."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from saga_lab.errors import Refused, Unavailable
from saga_lab.guards import was_too_late

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True)
class _Circuit:
    """`failed`: calls without an answer since the last answer. `until`: when an open one may be tried."""

    failed: int = 0
    until: float = 0.0


class Breaker:
    """Wraps the actions of one service; after `failures` in a row without an answer it opens.

        bank = Breaker(failures=5, seconds=60)
        await saga.step("charge", bank(shop.payments.charge), order.amount, compensate=shop.payments.refund)

    Open, it raises `Unavailable` at once: the call was not made, so it is not in doubt. After `seconds`
    one call is let through; an answer closes it, no answer keeps it open as long again. A refusal is
    an answer. No answer is `Unavailable`, a time-out, or whatever else leaves a step in doubt. One that is
    cut off by a cancel or a crash says nothing. Do not wrap undos: one that is not tried gets stuck.

    All sagas and engines of an event loop share what it knows, and time is the loop's: a simulated run
    begins with a closed one. Nothing of it is in the journal, nor need be: a replay makes no calls.

    After Nygard, "Release It!" (2007). Kept libraries do not fit three outcomes: aiobreaker replaces the
    error of the call that opens it by its own, so that a lost reply looks like a call never made, and
    does not see a time-out, which comes from outside; purgatory counts a cancelled caller as a failure and
    lets every caller try at once; both read the time of day.
    """

    def __init__(self, failures: int = 5, seconds: float = 60) -> None:
        if failures < 1 or seconds < 0:
            raise ValueError(
                f"a breaker opens after 1 failure or more, for 0 s or more, not {failures}, {seconds}"
            )
        self._failures = failures
        self._seconds = seconds
        self._circuits: WeakKeyDictionary[asyncio.AbstractEventLoop, _Circuit] = WeakKeyDictionary()

    def __call__(self, action: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
        """The same action, with its name and types, behind this breaker."""

        @functools.wraps(action)
        async def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
            loop = asyncio.get_running_loop()
            circuit = self._circuits.setdefault(loop, _Circuit())
            trial = self._admit(circuit, loop.time())
            try:
                value = await action(*args, **kwargs)
            except Refused:
                circuit.failed = 0
                raise
            except BaseException as error:
                if isinstance(error, Exception) or was_too_late(error):
                    circuit.failed += 1
                    circuit.until = loop.time() + self._seconds
                elif trial:
                    circuit.until = loop.time()  # nothing was learnt: the next one may try
                raise
            circuit.failed = 0
            return value

        return guarded

    def _admit(self, circuit: _Circuit, now: float) -> bool:
        """True when this call is the trial; raises Unavailable when it may not be made."""
        if circuit.failed < self._failures:
            return False
        if now < circuit.until:
            told = f"failures in a row: {circuit.failed}; next trial in {circuit.until - now:g} s"
            raise Unavailable(f"not called, since the circuit breaker is open ({told})")
        # The others wait for what becomes of it; one that hangs holds them up no longer than this.
        circuit.until = now + self._seconds
        return True
