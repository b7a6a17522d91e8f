"""One call to a service: attempts, pauses, time-outs, and what the outcome is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from saga_lab.errors import Cancelled, InDoubt, Refused, StepFailed, Unavailable
from saga_lab.events import Outcome
from saga_lab.tracebacks import without_kernel


class Ending(NamedTuple):
    """How a call ended: the outcome, after how many attempts, with its value or its last error."""

    outcome: Outcome
    attempts: int = 1
    value: Any = None
    reason: str = ""
    code: str = ""
    cause: Exception | None = None


def failure(outcome: Outcome, reason: str, code: str, step: str, key: str, attempts: int) -> StepFailed:
    """The error that a step raises for an outcome."""
    if outcome == "refused":
        return Refused(reason, code, step=step, key=key, attempts=attempts)
    kind = Unavailable if outcome == "unavailable" else InDoubt
    return kind(reason, step=step, key=key, attempts=attempts)


class Guard:
    """Lets a time-out or a cancel cut off what one task is waiting for."""

    __slots__ = ("_reason", "_task")

    def __init__(self) -> None:
        self._task = asyncio.current_task()
        self._reason: Exception | None = None

    def cut(self, reason: Exception) -> None:
        if self._reason is None and self._task is not None:
            self._reason = reason
            self._task.cancel()

    async def wait(self, call: Awaitable[Any], seconds: float | None) -> Any:
        """Await `call`, raising TimeoutError after `seconds`, or whatever cut it off.

        A bare timer and a cancel of the task cost a third of `asyncio.timeout`, and nothing is spawned.
        """
        timer = None
        if seconds is not None:
            late = TimeoutError(f"no answer within {seconds:g} s")
            timer = asyncio.get_running_loop().call_later(seconds, self.cut, late)
        try:
            return await call
        except asyncio.CancelledError:
            if self._reason is None:
                raise
            raise self._reason from None
        finally:
            if timer is not None:
                timer.cancel()
            if self._reason is not None and self._task is not None:
                self._task.uncancel()


async def attempt(call: Callable[[], Awaitable[Any]], guard: Guard, seconds: float | None) -> Ending:
    """One attempt. A cancel goes through as `Cancelled`, a crash as whatever BaseException it is."""
    try:
        return Ending("done", value=await guard.wait(call(), seconds))
    except Cancelled:
        raise
    except Refused as error:
        return Ending("refused", reason=error.reason, code=error.code, cause=without_kernel(error))
    except Unavailable as error:
        return Ending("unavailable", reason=error.reason, cause=without_kernel(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, nobody knows what happened
        reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return Ending("in doubt", reason=reason, cause=without_kernel(error))
