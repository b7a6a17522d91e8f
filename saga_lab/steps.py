"""One step, live: call the service, look up what nobody knows, note the outcome."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from saga_lab import events as e
from saga_lab.calls import Ending, call_until_settled
from saga_lab.context import Action, Check
from saga_lab.fold import StepRecord
from saga_lab.guards import Cut
from saga_lab.incarnation import Incarnation
from saga_lab.left import told
from saga_lab.retry import Retry
from saga_lab.values import ATOMS, from_json, result_type, to_json


async def perform(
    saga: Incarnation,
    begun: e.StepBegun,
    before: StepRecord | None,
    action: Action[Any],
    args: tuple[Any, ...],
    check: Check | None,
    retry: Retry,
    timeout: float | None,
) -> Ending:
    """Call until the service answers or the budget is spent; then look up what became of it.

    `before`: what an earlier incarnation wrote of this step; it may have called. A failure is durable before
    the saga hears of it. That a step is done is durable with the next write, so before anything else acts on
    the world: after a crash in between, the call is repeated with the same key and gets the same answer.
    """
    step, nth, key = begun.step, begun.nth, begun.key
    doubt, since = False, begun.at
    if before is not None:
        since = before.since
        doubt = before.released is None or before.released.outcome == "in doubt"
        await saga.catch_up(f"step {step}#{nth}", before.order)
    ending = Ending("in doubt", 0)
    try:
        ending = await call_until_settled(
            saga, "action", step, nth, key, action, args, retry, timeout, doubt, since
        )
        if ending.outcome == "in doubt" and check is not None:
            found = await call_until_settled(saga, "check", step, nth, key, check)
            ending = _corrected(ending, found)
    except Cut as cut:
        why = "the saga was cancelled" if cut.deadline is None else "the time was up"
        ending = replace(ending, reason=why, cut=cut)
    raw = e.NOTHING
    if ending.outcome == "done":
        try:
            raw = to_json(ending.value, "the value of step", step)
            kind, given = result_type(action), ending.value.__class__
            if given not in ATOMS or kind not in (Any, given):
                ending.value = from_json(raw, kind)
        except (TypeError, ValueError) as error:
            reason = f"it answered, but the answer is of no use: {error}"
            raw, ending = e.NOTHING, Ending("in doubt", ending.attempts, reason=reason, cause=error)
    cause = None if ending.cause is None else told(saga, ending.cause)
    how = ending.outcome, ending.attempts, raw, ending.reason, ending.code, cause
    saga.write_later(e.StepEnded(step, nth, key, *how, id=saga.id, at=saga.clock.now()))
    if ending.outcome != "done" and ending.cut is None:
        await saga.write()
    return ending


def _corrected(ending: Ending, found: Ending) -> Ending:
    """What a look-up makes of a doubt: `unseen` leaves it, since the request may still be on its way."""
    match getattr(found.value, "state", "unseen"):
        case "done":
            return Ending("done", ending.attempts, found.value.value, reason="a look-up found it")
        case "undone":
            return replace(ending, outcome="refused", reason="a look-up says that it was undone")
    return ending
