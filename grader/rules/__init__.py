"""What must hold, exercise by exercise: the judge's law, as data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from grader.rules.facts import Facts
from saga_lab.sim import Trace, Violation
from saga_lab.worlds.world import World


@dataclass(frozen=True)
class Broken:
    """How a promise was broken: what held instead of what, and where it turned."""

    expected: str
    observed: str
    turning: int | None = None
    missing: str = ""


Check = Callable[[Facts], Broken | None]


@dataclass(frozen=True)
class Invariant:
    """One promise: its id, its words for the learner, why it matters, and the check.

    `points` is what it earns per medal: nothing, when no learner's file can break it.
    """

    id: str
    promise: str
    why: str
    check: Check
    points: int = 1


@dataclass(frozen=True)
class Rules:
    """The law of one exercise."""

    number: int
    title: str
    statuses: Mapping[str, str]
    invariants: tuple[Invariant, ...]

    def judge(self, trace: Trace, world: type[World]) -> list[Violation]:
        """Every promise that a run broke. What follows from having no result at all is not reported."""
        facts = Facts(trace, world)
        broken = list(self._broken(facts, self.invariants))
        endless = [violation for violation in broken if violation.invariant in ("L-1", "S-10")]
        return endless or broken

    def __getitem__(self, id: str) -> Invariant:
        return next(invariant for invariant in self.invariants if invariant.id == id)

    @staticmethod
    def _broken(facts: Facts, invariants: Iterable[Invariant]) -> Iterable[Violation]:
        for invariant in invariants:
            if found := invariant.check(facts):
                yield Violation(invariant.id, found.expected, found.observed, found.turning, found.missing)
