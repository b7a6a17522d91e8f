"""What must hold, exercise by exercise: the judge's law, as data.

A promise is a function of one run (`Facts`, plain data) that finds nothing or says how it was broken.
No learner's code runs here.

How to write the law of an exercise (`exercise2` is the model):

- `STATUSES`: each word and what it promises, success first. `ORDINARY`: the status of each case when
  nothing goes wrong.
- `ROWS`: the fault table of the exercise, row by row: `Row(operation, faults, statuses, world)`. A row
  about an action says all that is right when that fault strikes it, a row about an undo or a look-up
  adds to that. No row: the status without faults. A refusal is matched as it was answered, injected or
  not; every other fault as it struck. What 2.0 of the exercises allows anyway needs no row: a clean undo
  under an endless fault, a person's help when the pivot, an undo or a look-up never answers.
- `shows(facts)`: what is found in the world, and what should be for `facts.status`, each as words. It
  is asked for every status but `manual_intervention_required`.
- The promises by id, in the order of the exercise, then `*COMMON`: S-0 to S-10, H-1 and H-2, L-1 to L-4,
  which read the exercise's own data from `facts.rules`. Do not write them again. Those which no file of
  a learner can break have `points=0`.
- Names and amounts of a request differ from run to run (`seed:7` in a token): take them from
  `facts.request` and `facts.world`, never from the stories.
- A promise "at every instant" goes through `facts.trace.instants`. Effects in the order in which they
  happened: `facts.effects("done", "undone")`. The request itself: `facts.request`.
- After a cancel in time `facts.status` is the first of `clean` even when `Cancelled` left the saga, so
  that the world is judged as for that status. Of several sagas in one run each is judged by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from grader.rules.facts import Call, Facts
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


AS_WITHOUT = "as without"


class Row(NamedTuple):
    """A row of the fault table: what strikes `operation`, and the statuses that are right then.

    `operation` with brackets means one thing only. `faults` are words of a token (`refuse`, `down*`), or
    `given up`: every attempt ended in doubt or out of reach. The first row that fits counts. Among the
    statuses `AS_WITHOUT` is that of the same case without faults; in the row of an undo it says that a
    dead letter is enough when that undo is stuck. `world` tells what is found at the end.
    """

    operation: str
    faults: tuple[str, ...]
    statuses: tuple[str, ...]
    world: str


def nothing_kept(facts: Facts, call: Call) -> bool:
    """Whatever may have happened is undone."""
    return False


class Shown(NamedTuple):
    """One thing about the world: what is found, and what the status promises, in the same words."""

    what: str
    found: str
    right: str


@dataclass(frozen=True)
class Rules:
    """The law of one exercise.

    `statuses`: each word that a saga may return, success first, and what it promises. `ordinary`: the
    status of each case of the world when nothing goes wrong. `ids`: fields of a successful result, and
    the operation whose value they hold. `tells`: what a call is about, made of its arguments.

    `clean`: statuses that promise that nothing stays. `aside`: operations whose faults change no status.
    `renewed`: actions that may begin anew after an undo. `repeatable`: actions that a second step may do
    again, since that changes nothing. `onward`: undos that may come behind the pivot,
    with brackets those about one thing. `expiring`: actions whose effect ends by itself, and after how
    long (ms). `margin`: for so long (ms) before a deadline a saga may give up. `kept`: whether what an
    action did may stay in this run, though the pivot does not stand. `decides`: what else makes a status
    right or wrong, given those that the fault table allows.
    """

    number: int
    title: str
    statuses: Mapping[str, str]
    ordinary: Mapping[str, str]
    rows: tuple[Row, ...]
    shows: Callable[[Facts], Iterable[Shown]]
    ids: Mapping[str, str]
    invariants: tuple[Invariant, ...]
    tells: Mapping[str, Callable[..., str]]
    clean: tuple[str, ...] = ("failed",)
    aside: frozenset[str] = frozenset()
    renewed: frozenset[str] = frozenset()
    repeatable: frozenset[str] = frozenset()
    onward: frozenset[str] = frozenset()
    expiring: Mapping[str, int] = field(default_factory=dict)
    margin: int = 0
    kept: Callable[[Facts, Call], bool] = nothing_kept
    decides: Callable[[Facts, set[str]], set[str]] = lambda facts, rights: rights

    @property
    def success(self) -> str:
        """The status of a saga that did all it was asked to."""
        return next(iter(self.statuses))

    def judge(self, trace: Trace, world: type[World]) -> list[Violation]:
        """Every promise that a run broke."""
        return [
            Violation(invariant.id, broken.expected, broken.observed, broken.turning, broken.missing)
            for invariant, broken in self.broken(trace, world)
        ]

    def broken(self, trace: Trace, world: type[World]) -> list[tuple[Invariant, Broken]]:
        """The same with all that is known. What only follows from having no result is left out."""
        found: dict[str, tuple[Invariant, Broken]] = {}
        for saga in (trace, *trace.others):
            facts = Facts(saga, world, self)
            ended = facts.status in self.statuses
            for invariant in self.invariants:
                if (ended or invariant.unended) and (broken := invariant.check(facts)) is not None:
                    found.setdefault(invariant.id, (invariant, broken))
        return [found[x.id] for x in self.invariants if x.id in found]

    def __getitem__(self, id: str) -> Invariant:
        return next(invariant for invariant in self.invariants if invariant.id == id)
