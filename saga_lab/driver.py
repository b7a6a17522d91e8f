"""The life of one incarnation: run the saga function, then see to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal

from msgspec import Raw

from saga_lab import events as e
from saga_lab.errors import Cancelled, CompensationFailed, NotDeterministic, StepFailed
from saga_lab.execution import Execution
from saga_lab.incarnation import Incarnation
from saga_lab.tracebacks import without_kernel
from saga_lab.values import from_json, request_type, to_json

SagaFunction = Callable[..., Any]
_Why = Literal["pivot passed", "not deterministic", "recovery given up"]


async def drive(saga: Incarnation, function: SagaFunction, services: tuple[Any, ...]) -> Exception | None:
    """Run the function to its recorded end; gives the exception that left it, if one did.

    Raises what killed this incarnation, when it died before.
    """
    assert saga.record.started is not None
    verbs = Execution(saga)
    value, error = None, None
    try:
        request = from_json(saga.record.started.request, request_type(function))
        value = await function(verbs, request, *services)
    except NotDeterministic:
        pass  # noted in saga.divergence, so that no saga can swallow it
    except Exception as left:  # noqa: BLE001 - it is recorded, and raised to the caller
        error = left
    except BaseException as death:  # noqa: BLE001 - a crash, a closed engine, a lost lease
        raise saga.die(death) from None
    if saga.dead is not None:
        raise saga.dead
    return await _finish(verbs, value, error)


async def _finish(verbs: Execution, value: Any, error: Exception | None) -> Exception | None:
    saga = verbs.incarnation
    running = await _stop_running(verbs)
    if error is None and running:
        error = RuntimeError(
            f"steps {', '.join(running)} were still running when the saga function returned: await each one, "
            "or run them in saga.gather"
        )
    saga.check_end(undoing=error is not None or saga.record.cancel_asked)
    if saga.divergence is None:
        with suppress(NotDeterministic):  # noted in saga.divergence
            return await _end(verbs, value, error)
    reason, saga.divergence = str(saga.divergence), None
    await saga.write(*stuck(saga, "not deterministic", reason))
    return None


async def _end(verbs: Execution, value: Any, error: Exception | None) -> Exception | None:
    if error is None:
        try:
            raw = to_json(value, "the result of the saga")
        except TypeError as refused:
            error = refused
    if error is None and await _returned(verbs, raw):
        return None
    return await _raised(verbs, error or Cancelled("the saga was cancelled"))


async def _returned(verbs: Execution, value: Raw) -> bool:
    """Record the result; False when a cancel came first."""
    saga = verbs.incarnation
    if any(isinstance(event, e.CancelRaised) for event in saga.events):
        # The saga caught its cancel: what it did not undo itself is undone before its word counts.
        with suppress(CompensationFailed):  # parked, and the state says STUCK
            await verbs.undoing.undo(verbs.undoing.scope.get(), "stop")
        saga.check_end()
    return await saga.write(saga.new(e.Returned, value), unless=saga.cancel_is_pending)


async def _raised(verbs: Execution, error: Exception) -> Exception:
    """Undo, or park past the pivot; then record what goes to the caller."""
    saga, facts = verbs.incarnation, list[e.Event]()
    if verbs.undoing.pivot >= 0:
        about = error if isinstance(error, StepFailed) else None
        facts = stuck(
            saga, "pivot passed", f"an error left the saga past its point of no return: {error}", about
        )
    else:
        try:
            await verbs.undoing.undo(verbs.undoing.scope.get(), "stop", error)
        except CompensationFailed as failed:
            error = failed
    saga.check_end()
    kind = f"{type(error).__module__}:{type(error).__qualname__}"
    named: tuple[Any, ...] = (str(error),)
    if isinstance(error, StepFailed):
        named = (error.reason, error.step, error.key, error.attempts, getattr(error, "code", ""))
    await saga.write(*facts, saga.new(e.Raised, kind, *named))
    return without_kernel(error)


def stuck(saga: Incarnation, why: _Why, reason: str, about: StepFailed | None = None) -> list[e.Event]:
    """What is written when the kernel cannot go on: a letter for a person, and the state."""
    return [saga.letter(reason, about), saga.new(e.Stuck, why, reason)]


async def _stop_running(verbs: Execution) -> list[str]:
    """Cut off the steps that nobody awaits any more, and name them."""
    names = sorted(verbs.running)
    while verbs.running and verbs.incarnation.dead is None:
        verbs.incarnation.cut(Cancelled("the saga function has returned"))
        await asyncio.sleep(0)
    return names
