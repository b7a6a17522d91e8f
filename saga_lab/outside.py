"""What may still be told to a saga from outside, and what comes too late: one rule for every engine."""

from __future__ import annotations

from saga_lab.fold import Record
from saga_lab.guards import INSTANT


def may_cancel(saga: Record) -> bool:
    """Until it ended, got stuck, or wrote the intent of its pivot; a result once recorded stands."""
    return not saga.state.at_rest and saga.word is None and saga.pivot is None


def may_answer(saga: Record, promise: str, at: float) -> bool:
    """Until the first answer, the saga's end, or the deadline: a tie (`at`: seconds) goes to the timer."""
    limits = [wait.until for wait in saga.waits.values() if wait.name == promise]
    late = any(until is not None and at >= until - INSTANT for until in limits)
    return not (late or saga.over or promise in saga.answers)
