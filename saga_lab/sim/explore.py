"""Exploration: every fault at every site that a saga reaches, and the shortest story that goes wrong."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from saga_lab.sim.faults import AT_MOMENTS, TRIED, Fault, Scenario, Site, parse
from saga_lab.sim.port import InProcess, watched
from saga_lab.sim.scheduler import Port, simulate
from saga_lab.sim.trace import Request, Trace
from saga_lab.worlds.world import World, thing

Saga = Callable[..., Any] | Port
MOST_FINITE = 3
"""Finite faults that one call may meet: the fourth attempt always gets through."""


class Violation(Struct, frozen=True):
    """A promise that a run broke.

    `turning` is the request at which it went wrong, `missing` an operation that was never asked for.
    """

    invariant: str
    expected: str
    observed: str
    turning: int | None = None
    missing: str = ""


class Rules(Protocol):
    """What must hold, handed in from above."""

    def judge(self, trace: Trace, world: type[World]) -> Sequence[Violation]:
        """Every promise that this run broke."""


class Finding(Struct, frozen=True):
    """One cause: its shortest story, and how many other scenarios tell the same one."""

    violation: Violation
    token: str
    trace: Trace
    others: int = 0


class Exploration(Struct, frozen=True):
    """What was tried and what went wrong. `complete`: nothing that exists was left out."""

    exist: int
    ran: int
    findings: tuple[Finding, ...]
    tokens: tuple[str, ...]
    complete: bool
    depth: int
    traces: tuple[Trace, ...] = ()


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
    every undo meets every fault. When a fault-free run fails, nothing else is tried. `budget`: scenarios
    at most. `keep` the traces of all runs. `progress` is told how many ran and how many are known.
    """
    if isinstance(saga, Port):
        return _Explorer(saga, world, rules, depth, budget, keep, progress).explore()
    port = InProcess(saga, world)
    return watched(port, lambda: _Explorer(port, world, rules, depth, budget, keep, progress).explore())


def replay(saga: Saga, world: type[World], token: str, *, lines: bool = True) -> Trace:
    """Play one scenario again, byte for byte."""
    scenario = parse(token)
    if isinstance(saga, Port):
        return simulate(saga, world, scenario, lines=lines)
    port = InProcess(saga, world)
    return watched(port, lambda: simulate(port, world, scenario, lines=lines))


class _Explorer:
    def __init__(
        self,
        port: Port,
        world: type[World],
        rules: Rules,
        depth: int,
        budget: int | None,
        keep: bool,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self._port = port
        self._world = world
        self._rules = rules
        self._depth = depth
        self._budget = math.inf if budget is None else budget
        self._keep = keep
        self._progress = progress
        self._known: set[str] = set()
        self._order: list[str] = []
        self._kept: list[Trace] = []
        self._failures: dict[tuple[str, str], list[tuple[Scenario, Violation]]] = {}
        self._complete = True

    def explore(self) -> Exploration:
        bases = [self._fault_free(case) for case in self._cases()]
        if not self._failures:
            faulted = [
                base for base, case in zip(bases, self._world.cases.values(), strict=True) if case.faults
            ]
            for trace in faulted:
                self._with_faults(trace)
        findings = tuple(self._finding(failures) for failures in self._failures.values())
        return Exploration(
            exist=len(self._known),
            ran=len(self._order),
            findings=findings,
            tokens=tuple(self._order),
            complete=self._complete,
            depth=self._depth,
            traces=tuple(self._kept),
        )

    def _cases(self) -> Iterator[Scenario]:
        first = next(iter(self._world.cases))
        return (Scenario("" if name == first else name) for name in self._world.cases)

    def _fault_free(self, scenario: Scenario) -> Trace:
        """Run a base twice: the same scenario must give the same run."""
        trace = self._run(scenario)
        assert trace is not None
        difference = _difference(trace, simulate(self._port, self._world, scenario))
        if difference:
            observed = f"two runs of the same scenario differed: {difference}"
            self._fail(scenario, Violation("S-10", "the same scenario gives the same run", observed), "")
        return trace

    def _with_faults(self, base: Trace) -> None:
        plain = parse(base.token)
        bases = [(plain, base)]
        for fault in self._refusals(base):
            refused = Scenario(plain.case, (fault,))
            if trace := self._run(refused):
                bases.append((refused, trace))
        singles = list(bases)
        for scenario, trace in bases:
            self._run(Scenario(scenario.case, scenario.faults, again=True))
            singles += self._one_more(scenario, trace)
        if self._depth > 1:
            for scenario, trace in singles:
                if len(scenario.faults) == 1:
                    self._one_more(scenario, trace)

    def _one_more(self, scenario: Scenario, trace: Trace) -> list[tuple[Scenario, Trace]]:
        """Add each fault at each site that the run reached."""
        ran = []
        for fault in self._faults(trace):
            if not _together(scenario.faults, fault):
                continue
            more = Scenario(scenario.case, tuple(sorted((*scenario.faults, fault), key=str)))
            if found := self._run(more):
                ran.append((more, found))
        return ran

    # ---- sites

    def _refusals(self, trace: Trace) -> Iterator[Fault]:
        return (
            Fault(_site(request, self._world), "refuse")
            for request in trace.requests
            if self._world.operations[request.operation].refusable
        )

    def _faults(self, trace: Trace) -> Iterator[Fault]:
        """Every fault that can strike somewhere in this run, in the order in which the saga went."""
        yield from _at("start")
        for request in trace.requests:
            operation = self._world.operations[request.operation]
            site = str(_site(request, self._world))
            words = (["refuse"] if operation.refusable else []) + list(TRIED[operation.role])
            for fault in (parse(f"{site}:{word}").faults[0] for word in words):
                # Nobody can be blamed for a repeat that comes when the key is forgotten.
                if operation.window is None or (fault.after or 0) < operation.window * 1000:
                    yield fault
        kinds = [event.__struct_config__.tag for event in trace.journal]
        for name, tag in (("timer", "timer set"), ("promise", "promise awaited")):
            for nth in range(1, kinds.count(tag) + 1):
                yield from _at(name, nth)
        yield from _at("finish")

    # ---- runs

    def _run(self, scenario: Scenario) -> Trace | None:
        """Run a scenario once, and judge it; None when it ran before or the budget is spent."""
        token = str(scenario)
        if token in self._known:
            return None
        self._known.add(token)
        if len(self._order) >= self._budget:
            self._complete = False
            return None
        trace = simulate(self._port, self._world, scenario)
        self._order.append(token)
        if self._keep:
            self._kept.append(trace)
        for violation in self._rules.judge(trace, self._world):
            self._fail(scenario, violation, _turning(violation, trace))
        if self._progress is not None:
            self._progress(len(self._order), len(self._known))
        return trace

    def _fail(self, scenario: Scenario, violation: Violation, turning: str) -> None:
        self._failures.setdefault((violation.invariant, turning), []).append((scenario, violation))

    # ---- minimising

    def _finding(self, failures: list[tuple[Scenario, Violation]]) -> Finding:
        """The shortest story of a group, with every fault left out that can be."""
        scenario, violation = min(failures, key=lambda failure: len(failure[0].faults))
        shorter = True
        while shorter:
            shorter = False
            for smaller in _smaller(scenario):
                found = self._fails(smaller, violation.invariant)
                if found is not None:
                    scenario, violation, shorter = smaller, found, True
                    break
        trace = simulate(self._port, self._world, scenario, lines=True)
        return Finding(violation, str(scenario), trace, len(failures) - 1)

    def _fails(self, scenario: Scenario, invariant: str) -> Violation | None:
        trace = simulate(self._port, self._world, scenario)
        found = self._rules.judge(trace, self._world)
        return next((violation for violation in found if violation.invariant == invariant), None)


def _at(moment: str, nth: int = 1) -> Iterator[Fault]:
    return (parse(f"{Site(moment, nth=nth)}:{word}").faults[0] for word in AT_MOMENTS[moment])


def _site(request: Request, world: type[World]) -> Site:
    about = thing(world.operations[request.operation], request.args)
    return Site(request.operation, about, request.nth)


def _together(faults: tuple[Fault, ...], one: Fault) -> bool:
    """Can this one be added? Not at a site that is taken, nor to more than a call can stand."""
    finite = one.times
    for fault in faults:
        same = (fault.site.operation, fault.site.thing) == (one.site.operation, one.site.thing)
        if same and (fault.site.nth == one.site.nth or fault.endless):
            return False
        if same and not one.endless:
            finite += fault.times
    return one.endless or finite <= MOST_FINITE


def _smaller(scenario: Scenario) -> Iterator[Scenario]:
    for count in range(len(scenario.faults)):
        for faults in itertools.combinations(scenario.faults, count):
            yield Scenario(scenario.case, faults, scenario.again)
    if scenario.again:
        yield Scenario(scenario.case, scenario.faults)


def _turning(violation: Violation, trace: Trace) -> str:
    """Where it went wrong, in words that are the same for all scenarios of one cause."""
    if violation.missing:
        return f"no {violation.missing}"
    if violation.turning is None:
        return ""
    request = trace.requests[violation.turning - 1]
    return f"{request.operation} {request.answer}"


def _difference(one: Trace, other: Trace) -> str:
    """The first difference between two runs, in words; empty when there is none."""
    if msgspec.json.encode(one) == msgspec.json.encode(other):
        return ""
    for first, second in itertools.zip_longest(one.requests, other.requests):
        if first != second:
            return f"one asked {_asked(first)}, the other {_asked(second)}"
    return f"one returned {one.result}, the other {other.result}"


def _asked(request: Request | None) -> str:
    if request is None:
        return "nothing more"
    return f"{request.operation}{request.args} with key {request.key} after {request.sent} ms"
