"""What a saga may not know: what ran before, and the words and numbers of one request.

One run shows neither. The judge plays a sample of them again: in a process that ran nothing yet, and with
other names and amounts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from grader.rules import Broken, Invariant
from grader.rules.facts import Facts
from saga_lab.sim import Scenario
from saga_lab.worlds.world import World


def _seen_by_comparing(facts: Facts) -> Broken | None:
    return None


def _in_the_sample(scenario: Scenario, world: type[World]) -> bool:
    """None that ran once puts this to the test."""
    return False


def _by_heart(facts: Facts) -> Broken | None:
    """With another seed the saga asks for what the usual request would say, and this one does not."""
    if not facts.scenario.seed:
        return None
    usual, case = facts.usual.cases[facts.trace.case], facts.world.cases[facts.trace.case]
    foreign = _said(usual.request, *usual.others) - _said(case.request, *case.others)
    id = facts.world.saga_id(usual.request)
    for request in facts.requests:
        known = next((value for value in _leaves(request.args) if value in foreign), None)
        if known is not None or (id in foreign and id in request.key):
            told = f"under {request.key}" if known is None else f"about {known!r}"
            observed = f"{request.operation} of {facts.trace.saga} was asked {told}, which is of {id}"
            return Broken("what a saga asks is about its own request", observed, request.number)
    return None


def _said(*requests: Any) -> set[Any]:
    return set(_leaves(msgspec.to_builtins(requests)))


def _leaves(value: Any) -> Iterator[Any]:
    """The texts and numbers in plain data."""
    if isinstance(value, dict | list | tuple):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _leaves(part)
    elif value is not None:
        yield value


H_1 = Invariant(
    "H-1",
    "nothing is kept from one run to the next",
    "The next run may have another process, on another machine. What a saga knows is its request, its "
    "journal and what services answer; globals, files and threads are not there, nor is the order of a set.",
    6,
    _seen_by_comparing,
    _in_the_sample,
)
H_2 = Invariant(
    "H-2",
    "names and amounts are those of the request",
    "The next request has others, and a key that two requests share makes one of them a repeat.",
    3,
    _by_heart,
    _in_the_sample,
)
