"""The life of one incarnation: run the saga function, then see to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from msgspec import Raw
from msgspec.structs import replace

from saga_lab import events as e
from saga_lab.errors import Cancelled, CompensationFailed, NotDeterministic, StepFailed
from saga_lab.execution import Execution
from saga_lab.guards import Cut
from saga_lab.incarnation import Incarnation
from saga_lab.left import told
from saga_lab.tracebacks import without_kernel
from saga_lab.undoing import Scope, undo_all
from saga_lab.values import from_json, request_type, to_json

SagaFunction = Callable[..., Any]


async def drive(saga: Incarnation, function: SagaFunction, services: tuple[Any, ...]) -> Exception | None:
    """Run the function to its recorded end; gives the exception that left it, if one did.

    Raises what killed this incarnation, when it died before.
    """
    verbs = Execution(saga)
    try:
        return await _run(verbs, function, services)
    except NotDeterministic as other_way:
        saga.divergence = None
        await saga.write(*stuck(saga, "not deterministic", str(other_way)))
        return None
    finally:
        verbs.last_failure = None  # it holds the function's frame, which holds the verbs: a cycle


async def _run(verbs: Execution, function: SagaFunction, services: tuple[Any, ...]) -> Exception | None:
    saga, root = verbs.incarnation, verbs.enter()
    assert saga.record.started is not None
    value, error, raw = None, None, e.NOTHING
    try:
        request = from_json(saga.record.started.request, request_type(function))
        value = await function(verbs, request, *services)
    except NotDeterministic:
        pass  # kept in saga.divergence, so that no saga can swallow it
    except Exception as left:  # noqa: BLE001 - it is recorded, and raised to the caller
        error = left
    except BaseException as death:  # noqa: BLE001 - a crash, a closed engine, a lost lease
        raise saga.die(death) from None
    if saga.dead is not None:
        raise saga.dead
    running = await _stop_running(verbs) if verbs.running else []
    saga.check_end(but="undo")  # the kernel's own are still to come
    if error is None and running:
        error = RuntimeError(
            f"steps {', '.join(running)} were still running when the saga function returned: await each one, "
            "or run them in saga.gather"
        )
    if error is None:
        try:
            raw = to_json(value, "the result of the saga")
        except TypeError as refused:
            error = refused
    if error is None and await _returned(verbs, root, raw):
        return None
    return await _raised(verbs, root, error or Cancelled("the saga was cancelled"))


async def _returned(verbs: Execution, root: Scope, value: Raw) -> bool:
    """Record the result; False when a cancel came first."""
    saga = verbs.incarnation
    if saga.cancelled:
        # The saga caught its cancel: what it did not undo itself is undone before its word counts.
        with suppress(CompensationFailed):  # parked, and the state says STUCK
            await undo_all(saga, root, "stop")
    saga.check_end()
    result = _result(saga, saga.new(e.Returned, value))
    return await saga.write(result, unless=lambda: saga.cancel_pending or None) is None


async def _raised(verbs: Execution, root: Scope, error: Exception) -> Exception:
    """Undo, or park past the pivot; then record what goes to the caller."""
    saga, facts = verbs.incarnation, list[e.Event]()
    if saga.pivot < 0:
        try:
            await undo_all(saga, root, "stop", error)
        except CompensationFailed as failed:
            error = failed
    elif saga.record.word is None:
        about = error if isinstance(error, StepFailed) else None
        why = f"an error left the saga past its point of no return: {error}"
        facts = stuck(saga, "pivot passed", why, about)
    saga.check_end()
    await saga.write(*facts, _result(saga, told(saga, error)))
    return without_kernel(error)


def _result(saga: Incarnation, new: e.Returned | e.Raised) -> e.Returned | e.Raised:
    """A result once recorded stands: a saga that a person released ends with it again."""
    return new if saga.record.word is None else replace(saga.record.word, at=new.at)


def stuck(saga: Incarnation, why: e.Why, reason: str, about: StepFailed | None = None) -> list[e.Event]:
    """What is written when the kernel cannot go on: a letter for a person, and the state."""
    return [saga.letter(reason, about), saga.new(e.Stuck, why, reason)]


async def _stop_running(verbs: Execution) -> list[str]:
    """Cut off the steps that nobody awaits any more, and name them."""
    names = sorted(verbs.running)
    while verbs.running and verbs.incarnation.dead is None:
        verbs.incarnation.cut(Cut())
        await asyncio.sleep(0)
    return names
