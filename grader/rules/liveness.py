"""The promises of liveness that every saga keeps, whatever it is about: what must happen in the end."""

from __future__ import annotations

from grader.rules import Broken, Invariant, any_fault
from grader.rules.facts import MANUAL, Facts
from grader.rules.safety import MOST_REQUESTS, same_run
from grader.rules.scenarios import passing, stuck_undo


def _ends(facts: Facts) -> Broken | None:
    trace = facts.trace
    if trace.stopped and not facts.status:
        last = facts.requests[-1] if facts.requests else None
        asked = last.attempt if last else 0
        told = f": {last.operation} was asked {asked} times" if last and asked > MOST_REQUESTS else ""
        return Broken(
            "the saga ends, with a status",
            f"{trace.stopped}{told}; we stopped it",
            last.number if last else None,
            why="Nobody will ever know of it. Stop after the budget, and park it." if told else "",
        )
    ended = facts.status or facts.stopped_by_cancel
    if trace.error and not ended and trace.result is None and not same_run(facts):
        why = "The work is done, your function is not. Park what failed, and return."
        return Broken(
            "the saga returns a status; no exception leaves it",
            f"{trace.error} left the function",
            why=why if facts.pivot_known else "",
        )
    return None


def _stuck_is_parked(facts: Facts) -> Broken | None:
    for call in facts.unsure:
        if call[1] not in facts.named:
            undos = facts.undos(call)
            return Broken(
                "what could not be undone has a dead letter",
                f"{undos[0].operation} never succeeded, and no dead letter names {call[1]}",
                undos[-1].number,
            )
    if facts.status == MANUAL and not any(x.key and x.step and x.attempts for x in facts.letters):
        return Broken(
            "who asks for a person leaves a dead letter with key, step and attempts", "there is none"
        )
    return None


def _nothing_held(facts: Facts) -> Broken | None:
    """Who asks for a person names what stays; the other statuses promise that by themselves."""
    if facts.status != MANUAL or facts.pivot_stands:
        return None
    for call in facts.actions:
        if call[0] in facts.rules.expiring or facts.rules.kept(facts, call) or call[1] in facts.named:
            continue
        if facts.stands(call):
            return Broken(
                "what stays done is named in a dead letter",
                f"{call[0]} still stands, and no dead letter names {call[1]}",
                facts.last(call[0]),
            )
    return None


def _as_without_faults(facts: Facts) -> Broken | None:
    if facts.status == facts.ordinary or not facts.finite:
        return None
    hit = next((r for r in facts.requests if r.fault), None)
    return Broken(
        f"a fault that passes does not change the result: {facts.ordinary}",
        f"{facts.status}, although asking again would have gone through",
        hit.number if hit else None,
    )


L_1 = Invariant(
    "L-1",
    "the saga ends with a status, and no exception leaves it",
    "Somebody waits for the answer. A status says what is true of the world; an exception does not.",
    4,
    _ends,
    any_fault,
    unended=True,
)
L_2 = Invariant(
    "L-2",
    "what is stuck has a dead letter with key, step and attempts",
    "A person can only finish what somebody wrote down.",
    4,
    _stuck_is_parked,
    stuck_undo,
)
L_3 = Invariant(
    "L-3",
    "nothing stays put aside without an owner",
    "What nobody knows of is found at the next stock-taking, if ever.",
    4,
    _nothing_held,
)
L_4 = Invariant(
    "L-4",
    "a fault that passes changes nothing",
    "One network blip is no reason to cancel a good order. Try again first, undo last.",
    3,
    _as_without_faults,
    passing,
)
