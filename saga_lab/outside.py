"""What may still be told to a saga from outside, and what comes too late: one rule for every engine."""

from __future__ import annotations

from msgspec.structs import replace

from saga_lab import events as e
from saga_lab.fold import Record, State
from saga_lab.guards import INSTANT


def may_cancel(saga: Record) -> bool:
    """Until it ended, got stuck, or wrote the intent of its pivot; a result once recorded stands."""
    return not saga.state.at_rest and saga.word is None and saga.pivot is None


def may_answer(saga: Record, promise: str, at: float) -> bool:
    """Until the first answer, the saga's end, or the deadline: a tie (`at`: seconds) goes to the timer."""
    limits = [wait.until for wait in saga.waits.values() if wait.name == promise]
    late = any(until is not None and at >= until - INSTANT for until in limits)
    return not (late or saga.over or promise in saga.answers)


def released(saga: Record, decision: e.Decision, at: float) -> list[e.Event]:
    """What a person's decision on a stuck saga writes; raises ValueError when it cannot settle anything."""
    assert saga.started is not None
    id = saga.started.id
    if decision not in ("retry", "done", "skip"):
        raise ValueError(f"release it with 'retry', 'done' or 'skip', not {decision!r}")
    if saga.state is not State.STUCK:
        raise ValueError(f"saga {id!r} is {saga.state}, not STUCK: there is nothing to release")
    word = e.Released(decision, id=id, at=at)
    if decision == "retry" or saga.stuck_undos:
        return [word]
    if saga.result is None:
        why = saga.stuck.why if saga.stuck else ""
        raise ValueError(f"saga {id!r} is stuck, {why}: repair that, then release it with 'retry'")
    return [word, replace(saga.result, at=at)]  # nothing is left to do
