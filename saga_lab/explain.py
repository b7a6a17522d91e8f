"""Why the engine did what it did, one sentence per event."""

from __future__ import annotations

from collections.abc import Iterable

from saga_lab import events as e
from saga_lab.values import text


def explain(events: Iterable[e.Event]) -> list[str]:
    """One sentence per event, in order."""
    return [_sentence(event) for event in events]


def _sentence(event: e.Event) -> str:
    match event:
        case e.Started():
            return f"{event.saga} was accepted with {text(event.request)} and will end, whatever crashes."
        case e.Recovered():
            return "A worker took over from one that was gone and replayed the saga from this journal."
        case e.StepBegun():
            undo = ", with an undo in case it must be taken back" if event.undo else ""
            return f"{event.step} was about to be called under the key {event.key}{undo}."
        case e.AttemptFailed():
            return (
                f"{_part(event)} brought no result, attempt {event.attempt} ({event.reason}): {_next(event)}."
            )
        case e.StepEnded():
            return f"{event.step} is {event.outcome}: {_because(event)}."
        case e.UndoingBegan():
            return "The saga turned round: whatever may have happened is undone, newest first."
        case e.UndoBegun():
            return f"The undo of {event.step} was about to be called under the same key, {event.key}."
        case e.UndoEnded(stuck=True):
            return f"The undo of {event.step} failed for good ({event.reason}), so a person must see to it."
        case e.UndoEnded():
            return f"{event.step} is undone, or never happened and now never will."
        case e.TimerSet():
            return f"It waits until {event.until:.3f}, an instant that no crash can move."
        case e.TimerFired():
            return "The wait is over."
        case e.PromiseAwaited():
            limit = (
                "for as long as it takes" if event.until is None else f"until {event.until:.3f} at the latest"
            )
            return f"It waits for {event.name!r} from outside, {limit}."
        case e.PromiseAnswered():
            return f"{event.name!r} was answered; the first answer counts, a later one gets a Conflict."
        case e.PromiseTimedOut():
            return f"Nobody answered {event.name!r} before the deadline, and a tie goes to the timer."
        case e.DeadlineSet():
            return f"What follows has until {event.until:.3f}, an instant that no crash can move."
        case e.DeadlinePassed():
            return f"The time was up, so TimedOut was raised in the saga, once, at {event.verb}."
        case e.Versioned():
            return f"The saga takes the way of {event.name!r}, now and on every replay."
        case e.Noted():
            return f"The saga asked for the time, {event.value:.3f}, and will get the same on every replay."
        case e.Parked():
            return f"A dead letter was written: {event.reason}."
        case e.CancelAsked():
            return "Someone asked the saga to stop, in time."
        case e.CancelRaised():
            return f"Cancelled was raised in the saga, once, at {event.verb}."
        case e.Returned():
            return f"The function returned {text(event.value)}, which is the recorded result."
        case e.Raised():
            return (
                f"{event.kind.partition(':')[2]} left the function ({event.reason}) and goes to the caller."
            )
        case e.Stuck():
            return f"The saga is stuck, {event.why}: {event.reason}."
        case e.Released():
            return f"A person released it with {event.decision!r}: {_RELEASED[event.decision]}."


_RELEASED = {
    "retry": "what failed for good is tried again, with a new budget",
    "done": "what was stuck is done by hand, and what is older follows",
    "skip": "what was stuck is left as it is, and what is older follows",
}


def _part(event: e.AttemptFailed) -> str:
    return {
        "action": event.step,
        "undo": f"The undo of {event.step}",
        "check": f"The look-up of {event.step}",
    }[event.part]


def _next(event: e.AttemptFailed) -> str:
    if event.pause is None:
        return "the budget is spent"
    return f"trying again with the same key in {event.pause:.3f} s"


def _because(event: e.StepEnded) -> str:
    if event.outcome == "done":
        return event.reason or "the service answered"
    told = {
        "refused": "the service said no, nothing happened, and it is never asked again",
        "unavailable": "no attempt reached the service, so nothing happened",
        "in doubt": "nobody can tell whether it happened, so it is undone if the saga turns round",
    }[event.outcome]
    return f"{told} ({event.reason})"
