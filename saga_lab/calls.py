"""One call to a service: attempts, pauses, time-outs, and what the outcome is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from saga_lab import events as e
from saga_lab.errors import InDoubt, Refused, StepFailed, Unavailable
from saga_lab.guards import Cut, guarded
from saga_lab.retry import Retry
from saga_lab.tracebacks import without_kernel

if TYPE_CHECKING:
    from saga_lab.incarnation import Incarnation

DEFAULT = Retry()
PATIENCE = 30.0
"""Seconds that an attempt may take, unless a step says otherwise."""


class Ending(Struct):
    """How a call ended: the outcome, after how many attempts, with its value or its last error.

    `cut`: what cut it off, and so is raised in place of its outcome.
    """

    outcome: e.Outcome
    attempts: int = 1
    value: Any = None
    reason: str = ""
    code: str = ""
    cause: Exception | None = None
    cut: Cut | None = None

    def error(self, step: str, key: str) -> StepFailed:
        """What a step raises that ended like this."""
        if self.outcome == "refused":
            return Refused(self.reason, self.code, step=step, key=key, attempts=self.attempts)
        kind = Unavailable if self.outcome == "unavailable" else InDoubt
        return kind(self.reason, step=step, key=key, attempts=self.attempts)


async def call_until_settled(
    saga: Incarnation,
    part: e.Part,
    step: str,
    nth: int,
    key: str,
    call: Callable[..., Awaitable[Any]],
    args: tuple[Any, ...] = (),
    retry: Retry = DEFAULT,
    timeout: float | None = PATIENCE,
    doubt: bool = False,
    since: float = 0.0,
) -> Ending:
    """`call(key, *args)` until it answers or the budget is spent; attempts of earlier incarnations count.

    What cuts it off goes through; a crash, whatever BaseException it is, kills. `doubt`: an earlier
    incarnation may have called already. `since`: when the budget began, in seconds.
    """
    ending, failed = Ending("in doubt", 0), 0
    attempts = saga.record.attempts
    if attempts and (before := attempts.get((part, step, nth))):
        ending, failed = Ending(before.outcome, before.attempt, reason=before.reason), before.attempt
        doubt = doubt or before.outcome == "in doubt"
    deadline = None if retry.within is None else since + retry.within
    cuttable = part != "undo"
    while failed < retry.attempts:
        if deadline is not None:
            left = max(0.0, deadline - saga.clock.now())
            timeout = left if timeout is None else min(timeout, left)
        failed += 1
        try:
            return Ending("done", failed, await guarded(saga, timeout, cuttable, call, key, *args))
        except Refused as error:
            return Ending("refused", failed, None, error.reason, error.code, without_kernel(error))
        except Unavailable as error:
            ending = Ending("unavailable", failed, None, error.reason, cause=without_kernel(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody knows what happened
            reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            ending = Ending("in doubt", failed, None, reason, cause=without_kernel(error))
        except Cut:
            raise
        except BaseException as crash:  # noqa: BLE001 - the process died here
            raise saga.die(crash) from None
        doubt = doubt or ending.outcome == "in doubt"
        pause = retry.pause(failed, saga.chance(f"{part} {step}#{nth} {failed}"))
        if pause is not None and deadline is not None and saga.clock.now() + pause >= deadline:
            pause = None
        missed = saga.new(e.AttemptFailed, step, nth, key, part, failed, ending.outcome, ending.reason, pause)
        if pause is None:
            saga.write_later(missed)
            break
        await saga.write(missed)
        await guarded(saga, None, cuttable, saga.clock.sleep, pause)
    return replace(ending, outcome="in doubt" if doubt else "unavailable")
