"""Exploration: every fault at every site that a saga reaches, and the shortest story that goes wrong."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from saga_lab.sim.alike import alike_from, same_but_later, timeless
from saga_lab.sim.double import Recorder, difference
from saga_lab.sim.faults import Fault, Scenario, Site, parse
from saga_lab.sim.findings import Failures, Finding, Violation
from saga_lab.sim.memory import Forgetful, Memory
from saga_lab.sim.messages import Port
from saga_lab.sim.port import EndlessLoop, InProcess, watched
from saga_lab.sim.scheduler import simulate
from saga_lab.sim.sites import USING_UP, Try, around_deadlines, usual
from saga_lab.sim.trace import Request, Trace
from saga_lab.worlds.world import World

T = TypeVar("T")
Saga = Callable[..., Any] | Port
MOST_FINITE = 3
"""Finite faults that may use up attempts of one call: the fourth always gets through."""
TOO_MANY = "more than three finite faults on one call"
EQUAL = "another run tells the same: the saga cannot see the difference, and the world makes none"
REPEATED = "a service answers a repeat from its memory, so it is the same run as without"


class Rules(Protocol):
    """What must hold, handed in from above."""

    def judge(self, trace: Trace, world: type[World]) -> Sequence[Violation]:
        """Every promise that this run broke."""


class Exploration(Struct, frozen=True):
    """What was tried and what went wrong.

    `exist`: scenarios known to exist, `ran` of them. `pruned`: how many were left out for which reason:
    those EQUAL to one that ran and those REPEATED exist, those with TOO_MANY faults do not count, as no
    saga has to stand them. `complete`: whatever exists ran, or is equal to one that did.
    `different`: what one run of a scenario did and what the next did instead, if they differed.
    """

    exist: int
    ran: int
    findings: tuple[Finding, ...]
    tokens: tuple[str, ...]
    complete: bool
    depth: int
    traces: tuple[Trace, ...] = ()
    pruned: dict[str, int] = {}
    different: tuple[str, str] | None = None


def explore(
    saga: Saga,
    world: type[World],
    rules: Rules,
    depth: int = 1,
    *,
    budget: int | None = None,
    keep: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Exploration:
    """Try each case without faults, then every single fault (and, at depth 2, all pairs).

    Single faults are tried on the fault-free run of a case and on each run with one refusal, so that
    every undo meets every fault. These runs are played twice: the same scenario must give the same
    messages. Beyond that the saga is asked only from where a run parts from all before it (see `Memory`).
    A case that fails without faults is not tried with them. `budget`: scenarios at most. `keep`
    the traces of all runs. `progress` is told how many ran and how many there will be, as far as can be told.
    Raises EndlessLoop when the saga never comes back.
    """
    *_, found = islice(deepening(saga, world, rules, budget=budget, keep=keep, progress=progress), depth)
    return found


def deepening(
    saga: Saga,
    world: type[World],
    rules: Rules,
    *,
    budget: int | None = None,
    keep: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Exploration]:
    """Explore step by step: gives what the single faults showed, then what all pairs add, if that is asked
    for. Raises EndlessLoop.
    """
    port = saga if isinstance(saga, Port) else InProcess(saga, world)
    explorer = _Explorer(port, world, rules, budget, keep, progress)
    for deeper in (explorer.singles, explorer.pairs):
        yield play(port, deeper, lambda: explorer.playing)


def replay(saga: Saga, world: type[World], token: str, *, lines: bool = True) -> Trace:
    """Play one scenario again, byte for byte. Raises BadToken, EndlessLoop."""
    scenario = parse(token)
    port = saga if isinstance(saga, Port) else InProcess(saga, world)
    return play(port, lambda: simulate(port, world, scenario, lines=lines), lambda: token)


def play(port: Port, work: Callable[[], T], playing: Callable[[], str]) -> T:
    """Do the work, watched when the saga runs in this process; an endless loop is told with its scenario."""
    try:
        with _old_runs_left_alone():
            return watched(port, work) if isinstance(port, InProcess) else work()
    except EndlessLoop as endless:
        endless.token = playing()
        raise endless from None


@contextmanager
def _old_runs_left_alone() -> Iterator[None]:
    """Thousands of runs are kept, and hold no cycles: looking for some is a seventh of the time."""
    young, middle, old = gc.get_threshold()
    gc.set_threshold(young, middle, 1_000)
    try:
        yield
    finally:
        gc.set_threshold(young, middle, old)


class _Explorer:
    def __init__(
        self,
        port: Port,
        world: type[World],
        rules: Rules,
        budget: int | None,
        keep: bool,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.playing = ""
        self._port = port
        self._memory = Memory(port)
        self._world = world
        self._rules = rules
        self._budget = math.inf if budget is None else budget
        self._keep = keep
        self._progress = progress
        self._known: set[tuple[str, ...]] = set()
        self._tokens: list[str] = []
        self._kept: list[Trace] = []
        self._failures = Failures(self._simulate, lambda trace: rules.judge(trace, world))
        self._pruned: dict[str, set[tuple[str, ...]]] = {
            TOO_MANY: set(),
            EQUAL: set(),
            REPEATED: set(),
        }
        self._no_clock: set[Site] = set()
        self._tried: list[tuple[Scenario, Trace, list[tuple[Scenario, Trace]]]] = []
        self._before = 0
        self._share = 0.0
        self._complete = True
        self._different: tuple[str, str] | None = None

    def singles(self) -> Exploration:
        """Every case, alone and with each single fault."""
        plain = [
            (scenario, self._run(scenario, twice=True), case.faults)
            for scenario, case in zip(self._cases(), self._world.cases.values(), strict=True)
        ]
        # A saga that differs from run to run is tried all the same: what that leads to tells more.
        failed = self._failures.of_promises("S-10")
        for scenario, trace, faults in plain:
            if faults and trace is not None and scenario not in failed:
                self._tried.append((scenario, trace, self._with_faults(scenario, trace)))
        return self._found(1)

    def pairs(self) -> Exploration:
        """Every pair, made of the single faults that were tried."""
        self._before = len(self._tokens)
        for case, (plain, trace, firsts) in enumerate(self._tried):
            like = plain.case and self._world.cases[plain.case].like and not _reads(firsts)
            for place, (scenario, found) in enumerate(firsts):
                # A pair is found from one of its two faults, so the later ones have fewer left.
                self._share = (case + 1 - (1 - place / len(firsts)) ** 2) / len(self._tried)
                alike = -1 if like else alike_from(found, trace, self._world)
                if self._later_only(scenario.faults[-1]):
                    alike = -1
                self._one_more(scenario, found, _struck(found), alike)
        return self._found(2)

    def _found(self, depth: int) -> Exploration:
        return Exploration(
            exist=len(self._known),
            ran=len(self._tokens),
            findings=self._failures.findings(),
            tokens=tuple(self._tokens),
            complete=self._complete,
            depth=depth,
            traces=tuple(self._kept),
            pruned={why: len(names) for why, names in self._pruned.items() if names},
            different=self._different,
        )

    def _cases(self) -> Iterator[Scenario]:
        first = next(iter(self._world.cases))
        return (Scenario("" if name == first else name) for name in self._world.cases)

    def _with_faults(self, plain: Scenario, trace: Trace) -> list[tuple[Scenario, Trace]]:
        """Single faults on the plain run and on each with a refusal; gives the runs to make pairs of."""
        bases = [(plain, trace)]
        for tried in usual(trace, self._world):
            if tried.fault.kind == "refuse":
                refused = Scenario(plain.case, (tried.fault,))
                if found := self._run(refused, twice=True):
                    bases.append((refused, found))
        firsts = bases[1:]
        for scenario, found in bases:
            for more in ("again", "again_other", "recover"):
                self._run(replace(scenario, **{more: True}))
            ran = self._one_more(scenario, found)
            firsts += ran if scenario is plain else []
        return firsts

    def _one_more(
        self, scenario: Scenario, trace: Trace, since: int = -1, alike: float = math.inf
    ) -> list[tuple[Scenario, Trace]]:
        """Add each fault at a place that the run reached; gives the runs that pairs are made of.

        From `alike` on the run is one to which the same faults were added before.
        """
        ran, patience = list[tuple[Scenario, Trace]](), dict[Site, int]()
        runs = dict[tuple[Site, str], Trace]()
        for tried in usual(trace, self._world, since):
            later = self._later_only(tried.fault) and timeless(trace, self._world)
            if since >= 0 and (later or _after(tried, alike)):
                tried = tried._replace(equal=True)
            if found := self._add(scenario, trace, tried, ran):
                _learn_patience(tried, found, patience)
                self._learn_clock(tried.fault, found, runs)
        for tried in around_deadlines(trace, self._world, patience, since):
            if since < 0 or not tried.spare:
                self._add(scenario, trace, tried, ran)
        return ran

    def _add(
        self, scenario: Scenario, trace: Trace, tried: Try, ran: list[tuple[Scenario, Trace]]
    ) -> Trace | None:
        """Run the scenario with one fault more, unless another strikes there already."""
        fault, request = tried.fault, tried.request
        if (request and request.fault) or any(fault.meets(other) for other in scenario.faults):
            return None
        more = Scenario(scenario.case, (*scenario.faults, fault))
        if (name := _name(more)) in self._known:
            return None
        if request and _used_up(trace, request, fault) > MOST_FINITE:
            self._pruned[TOO_MANY].add(name)
            return None
        if tried.equal or self._repeated(more):
            self._known.add(name)
            self._pruned[EQUAL if tried.equal else REPEATED].add(name)
            return None
        found = self._run(more)
        if found and not tried.spare:
            ran.append((more, found))
        return found

    def _repeated(self, scenario: Scenario) -> bool:
        """A fault beside others only delivers again what is remembered for ever: it changes nothing."""
        operations = self._world.operations
        return len(scenario.faults) > 1 and any(
            fault.kind == "twice" and operations[fault.site.operation].window is None
            for fault in scenario.faults
        )

    def _learn_clock(self, fault: Fault, found: Trace, runs: dict[tuple[Site, str], Trace]) -> None:
        """Does it matter how long the process is down?"""
        before = runs.setdefault((fault.site, fault.kind), found)
        if before is not found and self._is_long_crash(fault) and same_but_later(before, found, self._world):
            self._no_clock.add(fault.site)

    def _later_only(self, fault: Fault) -> bool:
        return self._is_long_crash(fault) and fault.site in self._no_clock

    def _is_long_crash(self, fault: Fault) -> bool:
        return fault.kind in ("crash", "crash-after") and fault.after is not None

    # ---- runs

    def _run(self, scenario: Scenario, *, twice: bool = False) -> Trace | None:
        """Run a scenario once, and judge it; None when it ran before or the budget is spent.

        `twice`: play it a second time, and compare what the saga says.
        """
        if (name := _name(scenario)) in self._known:
            return None
        self._known.add(name)
        if len(self._tokens) >= self._budget:
            self._complete = False
            return None
        first, second = Recorder(self._port), Recorder(self._port)
        trace = self._simulate(scenario, port=first if twice else None)
        self._tokens.append(trace.token)
        if self._keep:
            self._kept.append(trace)
        for violation in self._rules.judge(trace, self._world):
            self._failures.add(scenario, violation, trace)
        if twice:
            self._simulate(scenario, port=second)
            if parted := difference(first.turns, second.turns):
                self._different = self._different or parted
                observed = f"played twice: one run {parted[0]}, where the other {parted[1]}"
                differs = Violation("S-10", "the same scenario gives the same run", observed)
                self._failures.add(scenario, differs, trace)
        if self._progress is not None:
            ran, before = len(self._tokens), self._before
            expected = before + round((ran - before) / self._share) if self._share else 0
            self._progress(ran, max(len(self._known), expected))
        return trace

    def _simulate(self, scenario: Scenario, lines: bool = False, *, port: Port | None = None) -> Trace:
        self.playing = str(scenario)
        try:
            return simulate(port or self._memory, self._world, scenario, lines=lines)
        except Forgetful:
            return simulate(self._port, self._world, scenario, lines=lines)


def _name(scenario: Scenario) -> tuple[str, ...]:
    """The same for all orders in which its faults may be written."""
    rest = str(replace(scenario, faults=()))
    return (rest, *sorted(str(fault) for fault in scenario.faults))


def _struck(trace: Trace) -> int:
    """When the first fault struck, in ms: what comes before is the run without it."""
    struck = [request.sent for request in trace.requests if request.fault]
    return min([*struck, *(crash.at for crash in trace.crashes)], default=0)


def _reads(runs: Sequence[tuple[Scenario, Trace]]) -> bool:
    return any(request.role == "read" for _, trace in runs for request in trace.requests)


def _after(tried: Try, instant: float) -> bool:
    """It strikes then or later."""
    if tried.request is None:
        return tried.fault.site.operation == "finish" and instant < math.inf
    return tried.request.sent >= instant


def _learn_patience(tried: Try, found: Trace, patience: dict[Site, int]) -> None:
    """For how long the caller waits at a site, from a run in which it waited in vain."""
    number = 0 if tried.request is None else tried.request.number
    if tried.fault.kind == "slow" and 0 < number <= len(found.requests):  # a saga may differ from run to run
        request = found.requests[number - 1]
        if request.given_up is not None:
            patience[tried.fault.site] = request.given_up - request.sent


def _used_up(trace: Trace, request: Request, fault: Fault) -> float:
    """Attempts of a call that finite faults use up, this one with them; 0 if it uses up none that counts."""
    if fault.endless or fault.kind not in USING_UP:
        return 0
    call = (request.operation, request.key)
    return fault.times + sum(
        other.fault.startswith(USING_UP) and not other.fault.endswith("*")
        for other in trace.requests
        if (other.operation, other.key) == call
    )
