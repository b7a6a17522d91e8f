"""The life of one incarnation: run the saga function, then see to its end."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

from saga_lab import events as e
from saga_lab.errors import Cancelled, CompensationFailed, NotDeterministic, Refused, StepFailed
from saga_lab.execution import Execution
from saga_lab.tracebacks import without_kernel
from saga_lab.values import from_json, request_type, to_json

SagaFunction = Callable[..., Any]


async def drive(saga: Execution, function: SagaFunction, services: tuple[Any, ...]) -> Exception | None:
    """Run the function to its recorded end; gives the exception that left it, if one did.

    Raises what killed this incarnation, when it died before.
    """
    assert saga._record.started is not None
    saga.open()
    value, error = None, None
    try:
        request = from_json(saga._record.started.request, request_type(function))
        value = await function(saga, request, *services)
    except NotDeterministic:
        pass
    except Exception as left:  # noqa: BLE001 - it is recorded, and raised to the caller
        error = left
    except BaseException as death:
        raise saga._die(death)  # noqa: B904 - it is the same one
    if saga.dead is not None:
        raise saga.dead
    return await _finish(saga, value, error)


async def _finish(saga: Execution, value: Any, error: Exception | None) -> Exception | None:
    left = await _stop_running_steps(saga)
    if saga.divergence is None and saga._unasked:
        saga._diverged("its end")
    if saga.divergence is not None:
        text, saga.divergence = str(saga.divergence), None
        await saga._write(saga._letter(text, "kernel"), _stuck(saga, "not deterministic", text))
        return None
    result = e.NOTHING
    if error is None and left:
        error = RuntimeError(
            f"steps {', '.join(left)} were still running when the saga function returned: await each one, "
            "or run them in saga.gather"
        )
    if error is None:
        try:
            result = to_json(value, "the result of the saga")
        except TypeError as refused:
            error = refused
    if error is None:
        return await _returned(saga, result)
    return await _raised(saga, error)


async def _returned(saga: Execution, result: e.Raw) -> Exception | None:
    if saga._record.cancel_asked or any(isinstance(event, e.CancelAsked) for event in saga.events):
        # The saga caught a cancel: what it did not undo itself is undone before its word counts.
        try:
            await saga._undo(saga._scope.get(), "stop", None)
        except CompensationFailed:
            pass  # parked by the kernel; the state says STUCK
    returned = e.Returned(value=result, id=saga.id, at=saga._clock.now())
    if await saga._write(returned, unless=saga._cancel_is_pending):
        return None
    return await _raised(saga, Cancelled("the saga was cancelled"))


async def _raised(saga: Execution, error: Exception) -> Exception:
    events: list[e.Event] = []
    if saga._pivot_order >= 0:
        text = f"an error left the saga past its point of no return: {error}"
        step, key, attempts = (
            getattr(error, "step", ""),
            getattr(error, "key", ""),
            getattr(error, "attempts", 0),
        )
        events = [saga._letter(text, "kernel", step, key, attempts), _stuck(saga, "pivot passed", text)]
    else:
        try:
            await saga._undo(saga._scope.get(), "stop", error)
        except CompensationFailed as stuck:
            error = stuck
    kind = f"{type(error).__module__}:{type(error).__qualname__}"
    raised = e.Raised(
        kind=kind,
        reason=error.reason if isinstance(error, StepFailed) else str(error),
        step=getattr(error, "step", ""),
        key=getattr(error, "key", ""),
        attempts=getattr(error, "attempts", 0),
        code=getattr(error, "code", ""),
        id=saga.id,
        at=saga._clock.now(),
    )
    await saga._write(*events, raised)
    return without_kernel(error)


def _stuck(saga: Execution, why: Any, reason: str) -> e.Stuck:
    return e.Stuck(why=why, reason=reason, id=saga.id, at=saga._clock.now())


async def _stop_running_steps(saga: Execution) -> list[str]:
    """Steps that nobody awaits any more: cut them off and name them."""
    running = sorted(saga.running)
    if running:
        saga._closing = True
        while saga.running:
            for guard in list(saga._guards):
                guard.cut(TimeoutError("the saga function has returned"))
            await asyncio.sleep(0)
    return running


def rebuilt(raised: e.Raised) -> Exception:
    """The recorded exception, made again after a restart: same type, text, step, key and attempts."""
    module, _, name = raised.kind.partition(":")
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if not (isinstance(found, type) and issubclass(found, Exception)):
        found = RuntimeError
    if issubclass(found, StepFailed):
        error: Exception = found(raised.reason, step=raised.step, key=raised.key, attempts=raised.attempts)
        if isinstance(error, Refused):
            error.code = raised.code
        return error
    error = found.__new__(found)
    error.args = (raised.reason,)
    if isinstance(error, CompensationFailed):
        error.failures, error.original = [], None
    return error
