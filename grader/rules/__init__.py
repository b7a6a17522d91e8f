"""What must hold, exercise by exercise: the judge's law, as data.

A promise is a function of one run (`Facts`, plain data) that finds nothing or says how it was broken.
No learner's code runs here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from grader.rules.facts import Facts
from saga_lab.sim import Scenario, Trace, Violation
from saga_lab.worlds.world import World


@dataclass(frozen=True, slots=True)
class Broken:
    """How a promise was broken: what held instead of what, and where it turned.

    `turning`: the request at which it went wrong. `missing`: an operation that was never asked for.
    `why`: the reason that fits this story better than the promise's own.
    """

    expected: str
    observed: str
    turning: int | None = None
    missing: str = ""
    why: str = ""


Check = Callable[[Facts], Broken | None]
TriedBy = Callable[[Scenario, type[World]], bool]


def any_fault(scenario: Scenario, world: type[World]) -> bool:
    """Anything goes wrong at all."""
    return bool(scenario.faults)


@dataclass(frozen=True)
class Invariant:
    """One promise: its id, its words for the learner, why it matters and the notebook that teaches it.

    `tried_by` tells the scenarios that put it to the test: without one of them there is no pass.
    `points` per medal; none for what no learner's file can break, which is checked all the same.
    `unended`: it can be judged in a run that came to no result.
    """

    id: str
    promise: str
    why: str
    notebook: int
    check: Check
    tried_by: TriedBy = any_fault
    points: int = 1
    unended: bool = False


@dataclass(frozen=True)
class Rules:
    """The law of one exercise.

    `statuses`: each word that a saga may return, and what it promises. `ordinary`: the status of each
    case of the world when nothing goes wrong. `tells`: what a call is about, made of its arguments.
    """

    number: int
    title: str
    statuses: Mapping[str, str]
    ordinary: Mapping[str, str]
    invariants: tuple[Invariant, ...]
    tells: Mapping[str, Callable[..., str]]

    def judge(self, trace: Trace, world: type[World]) -> list[Violation]:
        """Every promise that a run broke."""
        return [
            Violation(invariant.id, broken.expected, broken.observed, broken.turning, broken.missing)
            for invariant, broken in self.broken(trace, world)
        ]

    def broken(self, trace: Trace, world: type[World]) -> list[tuple[Invariant, Broken]]:
        """The same with all that is known. What only follows from having no result is left out."""
        facts = Facts(trace, world, self.ordinary)
        ended = facts.status in self.statuses
        found = []
        for invariant in self.invariants:
            if (ended or invariant.unended) and (broken := invariant.check(facts)) is not None:
                found.append((invariant, broken))
        return found

    def __getitem__(self, id: str) -> Invariant:
        return next(invariant for invariant in self.invariants if invariant.id == id)
