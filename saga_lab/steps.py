"""One step, live: call the service, look up what nobody knows, write the outcome."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Raw

from saga_lab import events as e
from saga_lab.calls import Ending, call_until_settled
from saga_lab.context import Check
from saga_lab.errors import Cancelled
from saga_lab.incarnation import Incarnation
from saga_lab.retry import Retry
from saga_lab.values import ATOMS, from_json, to_json


async def perform(
    saga: Incarnation,
    begun: e.StepBegun,
    call: Callable[[], Awaitable[Any]],
    check: Check | None,
    retry: Retry,
    timeout: float | None,
    again: bool,
) -> Ending:
    """Call until the service answers or the budget is spent; then look up what became of it.

    `again`: an earlier incarnation wrote the intent and may have called.
    """
    step, nth, key = begun.step, begun.nth, begun.key
    verb = f"step {step}#{nth}"
    if again:
        await saga.catch_up(verb)
    ending = Ending("in doubt", 0, reason="the saga was cancelled")
    try:
        if saga.cancel_is_pending():
            raise Cancelled
        ending = await call_until_settled(
            saga, "action", step, nth, key, call, retry, timeout, doubt=again, since=begun.at
        )
        if ending.outcome != "in doubt" or check is None:
            return ending
        found = await call_until_settled(saga, "check", step, nth, key, lambda: check(key))
    except Cancelled:
        await saga.raise_cancelled(verb, _ended(saga, begun, ending))
    state = getattr(found.value, "state", "unseen")
    if state == "done":
        return Ending("done", ending.attempts, found.value.value, reason="a look-up found it")
    if state == "undone":
        return ending._replace(outcome="refused", reason="a look-up says that it was undone")
    return ending


async def settle(saga: Incarnation, begun: e.StepBegun, ending: Ending, type: Any) -> Ending:
    """Write the outcome; a value that cannot come back as its type leaves the step in doubt."""
    raw, value = e.NOTHING, ending.value
    if ending.outcome == "done":
        try:
            raw = to_json(value, f"the value of step {begun.step!r}")
            if value.__class__ not in ATOMS or type not in (Any, value.__class__):
                ending = Ending("done", ending.attempts, from_json(raw, type), ending.reason)
        except (TypeError, ValueError) as error:
            reason = f"it answered, but the answer is of no use: {error}"
            raw, ending = e.NOTHING, Ending("in doubt", ending.attempts, reason=reason, cause=error)
    await saga.write(_ended(saga, begun, ending, raw))
    return ending


def _ended(saga: Incarnation, begun: e.StepBegun, ending: Ending, value: Raw = e.NOTHING) -> e.StepEnded:
    told = (ending.outcome, ending.attempts, value, ending.reason, ending.code)
    return saga.new(e.StepEnded, begun.step, begun.nth, begun.key, *told)
