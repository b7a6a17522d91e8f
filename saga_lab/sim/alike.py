"""Which runs need not be played, since they provably tell what another one told, at most at another time."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from saga_lab import events as e
from saga_lab.sim.trace import Request, Trace
from saga_lab.worlds.world import World

GOT_OVER = ("down", "lost", "late", "slow")
_CLOCKS = (e.Noted, e.TimerSet, e.PromiseAwaited, e.DeadlineSet)


def alike_from(found: Trace, plain: Trace, world: type[World]) -> float:
    """When (ms) a run with one fault has become the run without it, only later; infinity when never.

    A fault that passed within its step is unknown to the saga, which sees the value alone; what comes later
    is then the same as without that fault, if nobody looks at a clock, nothing else was under way, and the
    step called the service itself.
    """
    struck = next((request for request in found.requests if request.fault), None)
    if struck is None or found.crashes:
        return math.inf
    call = [r for r in found.requests if (r.operation, r.key) == (struck.operation, struck.key)]
    effects = sorted(effect for request in call for effect in request.effects)
    got_over = struck.fault.startswith(GOT_OVER) and call[-1].answer == "value"
    if not got_over or any(word in ("done", "undone") for _, word in effects[1:]):
        return math.inf
    if not (timeless(found, world) and _one_by_one(found) and _direct(struck, found)):
        return math.inf
    same = _said(found, without=call[:-1]) == _said(plain) and found.result == plain.result
    return float(call[-1].answered or 0) if same else math.inf


def same_but_later(one: Trace, other: Trace, world: type[World]) -> bool:
    """Two runs in which the same was asked and answered, and nobody looked at a clock."""
    return timeless(other, world) and (_said(one), one.result, one.error) == (
        _said(other),
        other.result,
        other.error,
    )


def _said(trace: Trace, without: list[Request] | None = None) -> list[Any]:
    return [
        (r.operation, r.key, r.args, r.answer, r.value, r.reason)
        for r in trace.requests
        if not without or r not in without
    ]


def timeless(trace: Trace, world: type[World]) -> bool:
    """Neither the world nor the saga looks at a clock, and nobody outside does."""
    case = world.cases[trace.case]
    quiet = (
        world.due is World.due and world.deadlines is World.deadlines and not (case.answers or case.others)
    )
    return quiet and not any(isinstance(event, _CLOCKS) for event in trace.journal)


def _one_by_one(trace: Trace) -> bool:
    """Each request came when the one before was over."""
    ends = [(r.answered if r.given_up is None else r.given_up, r.sent) for r in trace.requests]
    return all(end is not None and end <= sent for (end, _), (_, sent) in pairwise(ends))


def _direct(struck: Request, trace: Trace) -> bool:
    """No code of the saga runs between the attempts."""
    begun = [x for x in trace.journal if isinstance(x, e.StepBegun) and x.key == struck.key]
    return len(begun) == 1 and begun[0].action == struck.operation
