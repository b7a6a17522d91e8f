"""The pauses of a migration: between its batches, across crashes, and not after the last."""

from __future__ import annotations

from itertools import pairwise

from grader.rules import Broken
from grader.rules import systems_ledgers as systems
from grader.rules.facts import Facts
from grader.rules.systems_ledgers import COPY, VERIFY
from saga_lab.sim import Request

MINUTE, SECOND = 60_000, 1_000


def kept_apart(facts: Facts) -> Broken | None:
    """A minute from batch to batch, none after the last, and none anew after a crash."""
    return _a_minute_apart(facts) or _no_pause_at_the_end(facts) or _no_pause_anew(facts)


def _a_minute_apart(facts: Facts) -> Broken | None:
    for before, after in pairwise(systems.batches(facts)):
        if (apart := after.begun - before.begun) < MINUTE:
            observed = f"two batches began {apart / SECOND:g} s apart"
            return Broken("batches begin at least a minute apart", observed, after.requests[0].number)
    return None


def _no_pause_at_the_end(facts: Facts) -> Broken | None:
    for before, after in pairwise(facts.requests):
        if before.operation == COPY and after.operation == VERIFY and before.answered is not None:
            waited = after.sent - _ready(facts, before.answered, after)
            if waited >= MINUTE:
                observed = f"{waited / SECOND:g} s passed between the last batch and {VERIFY}"
                return Broken("nothing waits after the last batch", observed, after.number)
    return None


def _no_pause_anew(facts: Facts) -> Broken | None:
    """After a crash a pause ends when it would have ended without, and there is no other."""
    waits = [(a, b) for a, b in pairwise(facts.requests) if a.operation == COPY and b.operation == COPY]
    pauses = [b.sent - a.answered for a, b in waits if a.answered is not None and a.key != b.key]
    for before, after in waits:
        if _ready(facts, before.sent, after) == before.sent:
            continue  # no crash in between
        due = before.sent
        if before.answered is not None and before.key != after.key:
            due = before.answered + min(pauses)
        late = after.sent - _ready(facts, due, after)
        if late > SECOND:
            observed = f"after the crash {late / SECOND:g} s more passed than the pause had left"
            why = (
                "The time already waited is lost with the process. saga.sleep wakes at the time fixed before."
            )
            return Broken("the time already waited counts across a crash", observed, after.number, why=why)
    return None


def _ready(facts: Facts, since: int, request: Request) -> int:
    """From when on a request could be made that was due since then: not while the process was down."""
    ups = [crash.up for crash in facts.trace.crashes if crash.at >= since or crash.up >= since]
    return max([since, *(up for up in ups if up <= request.sent)])
