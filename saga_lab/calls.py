"""One call to a service: attempts, pauses, time-outs, and what the outcome is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from saga_lab import events as e
from saga_lab.errors import Cancelled, InDoubt, Refused, StepFailed, Unavailable
from saga_lab.retry import Retry
from saga_lab.tracebacks import without_kernel

if TYPE_CHECKING:
    from saga_lab.incarnation import Incarnation

DEFAULT = Retry()
PATIENCE = 30.0
"""Seconds that an attempt may take, unless a step says otherwise."""


class Ending(NamedTuple):
    """How a call ended: the outcome, after how many attempts, with its value or its last error."""

    outcome: e.Outcome
    attempts: int = 1
    value: Any = None
    reason: str = ""
    code: str = ""
    cause: Exception | None = None

    def error(self, step: str, key: str) -> StepFailed:
        """What a step raises that ended like this."""
        if self.outcome == "refused":
            return Refused(self.reason, self.code, step=step, key=key, attempts=self.attempts)
        kind = Unavailable if self.outcome == "unavailable" else InDoubt
        return kind(self.reason, step=step, key=key, attempts=self.attempts)


class Guard:
    """Lets a time-out or a cancel cut off what one task is waiting for."""

    __slots__ = ("_reason", "_task")

    def __init__(self) -> None:
        self._task = asyncio.current_task()
        self._reason: Exception | None = None

    def cut(self, reason: Exception) -> None:
        if self._reason is None and self._task is not None:
            self._reason = reason
            self._task.cancel(reason)  # told to what is cut off, see was_too_late

    async def wait(self, call: Awaitable[Any], seconds: float | None = None) -> Any:
        """Await `call`; raises TimeoutError after `seconds`, or whatever cut it off.

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


def was_too_late(cut: BaseException) -> bool:
    """What cut off a call was its time-out; not a cancel, not a crash."""
    return isinstance(cut, asyncio.CancelledError) and isinstance(next(iter(cut.args), None), TimeoutError)


async def guarded(saga: Incarnation, call: Awaitable[Any], seconds: float | None = None) -> Any:
    """Await something that a cancel may cut off."""
    guard = Guard()
    saga.guards.add(guard)
    try:
        return await guard.wait(call, seconds)
    except asyncio.CancelledError as error:
        raise saga.die(error) from None
    finally:
        saga.guards.discard(guard)
        saga.alive()


async def call_until_settled(
    saga: Incarnation,
    part: e.Part,
    step: str,
    nth: int,
    key: str,
    call: Callable[[], Awaitable[Any]],
    retry: Retry = DEFAULT,
    timeout: float | None = PATIENCE,
    *,
    doubt: bool = False,
    since: float = 0.0,
) -> Ending:
    """Call until there is an answer or the budget is spent; attempts of earlier incarnations count.

    `doubt`: an earlier incarnation may have called already. `since`: when the step began, in seconds.
    """
    before = saga.record.attempts.get((part, step, nth))
    ending = Ending(before.outcome, before.attempt, reason=before.reason) if before else Ending("in doubt", 0)
    doubt = doubt or (before is not None and before.outcome == "in doubt")
    failed = ending.attempts
    deadline = None if retry.within is None else since + retry.within
    while failed < retry.attempts:
        now = saga.clock.now()
        if deadline is not None and (timeout is None or now + timeout > deadline):
            timeout = max(0.0, deadline - now)
        ending = await _attempt(saga, call, timeout, cuttable=part != "undo")
        failed += 1
        if ending.outcome in ("done", "refused"):
            return ending if failed == 1 else ending._replace(attempts=failed)
        doubt = doubt or ending.outcome == "in doubt"
        pause = retry.pause(failed, saga.chance(f"{part} {step}#{nth} {failed}"))
        if pause is not None and deadline is not None and saga.clock.now() + pause >= deadline:
            pause = None
        missed = saga.new(e.AttemptFailed, step, nth, key, part, failed, ending.outcome, ending.reason, pause)
        if pause is None:
            saga.write_later(missed)
            break
        await saga.write(missed)
        sleep = saga.clock.sleep(pause)
        await (sleep if part == "undo" else guarded(saga, sleep))
    return ending._replace(outcome="in doubt" if doubt else "unavailable", attempts=failed)


async def _attempt(
    saga: Incarnation, call: Callable[[], Awaitable[Any]], seconds: float | None, cuttable: bool
) -> Ending:
    """One attempt. A cancel goes through as `Cancelled`; a crash, whatever BaseException it is, kills."""
    try:
        return Ending(
            "done",
            value=await (guarded(saga, call(), seconds) if cuttable else Guard().wait(call(), seconds)),
        )
    except Cancelled:
        raise
    except Refused as error:
        return Ending("refused", reason=error.reason, code=error.code, cause=without_kernel(error))
    except Unavailable as error:
        return Ending("unavailable", reason=error.reason, cause=without_kernel(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, nobody knows what happened
        reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return Ending("in doubt", reason=reason, cause=without_kernel(error))
    except BaseException as crash:  # noqa: BLE001 - the process died here
        raise saga.die(crash) from None
