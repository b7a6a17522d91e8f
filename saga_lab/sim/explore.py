"""Exploration: every fault at every site that a saga reaches, and the shortest story that goes wrong."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

import msgspec
from msgspec import Struct

from saga_lab.sim.double import Recorder, difference
from saga_lab.sim.faults import AT_MOMENTS, TRIED, Fault, Scenario, Site, at, parse
from saga_lab.sim.messages import Port
from saga_lab.sim.port import EndlessLoop, InProcess, watched
from saga_lab.sim.scheduler import simulate
from saga_lab.sim.trace import Request, Trace
from saga_lab.worlds.world import World, thing

T = TypeVar("T")
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
    """What was tried and what went wrong.

    `exist`: scenarios known to exist, `ran` of them. `pruned`: pairs that no saga has to stand, left out
    (more than three finite faults on one call). `complete`: nothing that exists was left out.
    `different`: what one run of a scenario did and what the next did instead, if they differed.
    """

    exist: int
    ran: int
    findings: tuple[Finding, ...]
    tokens: tuple[str, ...]
    complete: bool
    depth: int
    traces: tuple[Trace, ...] = ()
    pruned: int = 0
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
    messages. A case that fails without faults is not tried with them. `budget`: scenarios at most. `keep`
    the traces of all runs. `progress` is told how many ran and how many are known.
    Raises EndlessLoop when the saga never comes back.
    """
    port = saga if isinstance(saga, Port) else InProcess(saga, world)
    explorer = _Explorer(port, world, rules, depth, budget, keep, progress)
    return _play(port, explorer.explore, lambda: explorer.playing)


def replay(saga: Saga, world: type[World], token: str, *, lines: bool = True) -> Trace:
    """Play one scenario again, byte for byte. Raises BadToken, EndlessLoop."""
    scenario = parse(token)
    port = saga if isinstance(saga, Port) else InProcess(saga, world)
    return _play(port, lambda: simulate(port, world, scenario, lines=lines), lambda: token)


def _play(port: Port, work: Callable[[], T], playing: Callable[[], str]) -> T:
    """Do the work, watched when the saga runs in this process; an endless loop is told with its scenario."""
    try:
        return watched(port, work) if isinstance(port, InProcess) else work()
    except EndlessLoop as endless:
        raise EndlessLoop(endless.last, playing()) from None


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
        self.playing = ""
        self._port = port
        self._world = world
        self._rules = rules
        self._depth = depth
        self._budget = math.inf if budget is None else budget
        self._keep = keep
        self._progress = progress
        self._known: set[tuple[str, ...]] = set()
        self._tokens: list[str] = []
        self._kept: list[Trace] = []
        self._failures: dict[tuple[str, str], list[tuple[Scenario, Violation]]] = {}
        self._pruned: set[tuple[str, ...]] = set()
        self._complete = True
        self._different: tuple[str, str] | None = None

    def explore(self) -> Exploration:
        plain = [
            (scenario, self._run(scenario, twice=True), case.faults)
            for scenario, case in zip(self._cases(), self._world.cases.values(), strict=True)
        ]
        # A saga that differs from run to run is tried all the same: what that leads to tells more.
        grave = [runs for (invariant, _), runs in self._failures.items() if invariant != "S-10"]
        failed = {scenario for runs in grave for scenario, _ in runs}
        for scenario, trace, faults in plain:
            if faults and trace is not None and scenario not in failed:
                self._with_faults(scenario, trace)
        return Exploration(
            exist=len(self._known),
            ran=len(self._tokens),
            findings=self._findings(),
            tokens=tuple(self._tokens),
            complete=self._complete,
            depth=self._depth,
            traces=tuple(self._kept),
            pruned=len(self._pruned),
            different=self._different,
        )

    def _cases(self) -> Iterator[Scenario]:
        first = next(iter(self._world.cases))
        return (Scenario("" if name == first else name) for name in self._world.cases)

    def _with_faults(self, plain: Scenario, trace: Trace) -> None:
        """All that can go wrong in one case: single faults on the plain run and on each with a refusal."""
        bases = [(plain, trace)]
        for fault, _ in self._faults(trace):
            if fault.kind == "refuse":
                refused = Scenario(plain.case, (fault,))
                if found := self._run(refused, twice=True):
                    bases.append((refused, found))
        singles = bases[1:]
        for scenario, found in bases:
            self._run(Scenario(scenario.case, scenario.faults, again=True))
            more = self._one_more(scenario, self._faults(found), found)
            singles += more if scenario is plain else []
        if self._depth > 1:
            for scenario, found in singles:
                self._one_more(scenario, self._faults(found, _struck(found)), found)

    def _one_more(
        self, scenario: Scenario, faults: Iterator[tuple[Fault, Request | None]], trace: Trace
    ) -> list[tuple[Scenario, Trace]]:
        """Add each fault at a place that the run reached, unless another strikes there already."""
        ran = []
        for fault, request in faults:
            if (request and request.fault) or any(fault.meets(other) for other in scenario.faults):
                continue
            more = Scenario(scenario.case, (*scenario.faults, fault))
            if request and not fault.endless and _finite(trace, request) + fault.times > MOST_FINITE:
                self._pruned.add(_name(more))
            elif found := self._run(more):
                ran.append((more, found))
        return ran

    # ---- sites

    def _faults(self, trace: Trace, since: int = -1) -> Iterator[tuple[Fault, Request | None]]:
        """Every fault that can strike a run, in the order in which the saga went; from `since` ms on."""
        if since < 0:
            yield from ((fault, None) for fault in at(Site("start"), AT_MOMENTS["start"]))
        for request in trace.requests:
            if request.sent >= since:
                yield from ((fault, request) for fault in self._at_request(request))
        for name, tag in (("timer", "timer set"), ("promise", "promise awaited")):
            waits = [event.at for event in trace.journal if event.__struct_config__.tag == tag]
            for nth, began in enumerate(waits, 1):
                if round((began - trace.epoch) * 1000) >= since:
                    yield from ((fault, None) for fault in at(Site(name, nth=nth), AT_MOMENTS[name]))
        yield from ((fault, None) for fault in at(Site("finish"), AT_MOMENTS["finish"]))

    def _at_request(self, request: Request) -> Iterator[Fault]:
        operation = self._world.operations[request.operation]
        site = Site(request.operation, thing(operation, request.args), request.nth)
        words = (("refuse",) if operation.refusable else ()) + TRIED[operation.role]
        for fault in at(site, words):
            # Nobody can be blamed for a repeat that comes when the key is forgotten.
            if operation.window is None or (fault.after or 0) < operation.window * 1000:
                yield fault

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
        trace = self._simulate(scenario, first if twice else self._port)
        self._tokens.append(trace.token)
        if self._keep:
            self._kept.append(trace)
        for violation in self._rules.judge(trace, self._world):
            self._fail(scenario, violation, _turning(violation, trace))
        if twice:
            self._simulate(scenario, second)
            if parted := difference(first.turns, second.turns):
                self._different = self._different or parted
                observed = f"played twice: one run {parted[0]}, where the other {parted[1]}"
                self._fail(scenario, Violation("S-10", "the same scenario gives the same run", observed), "")
        if self._progress is not None:
            self._progress(len(self._tokens), len(self._known))
        return trace

    def _simulate(self, scenario: Scenario, port: Port | None = None, lines: bool = False) -> Trace:
        self.playing = str(scenario)
        return simulate(port or self._port, self._world, scenario, lines=lines)

    def _fail(self, scenario: Scenario, violation: Violation, turning: str) -> None:
        self._failures.setdefault((violation.invariant, turning), []).append((scenario, violation))

    # ---- minimising

    def _findings(self) -> tuple[Finding, ...]:
        """One per cause; groups whose shortest stories turn out to be the same are one."""
        found: dict[tuple[str, str], Finding] = {}
        for failures in self._failures.values():
            new = self._finding(failures)
            cause = (new.violation.invariant, new.token)
            if old := found.get(cause):
                new = msgspec.structs.replace(old, others=old.others + new.others + 1)
            found[cause] = new
        return tuple(found.values())

    def _finding(self, failures: list[tuple[Scenario, Violation]]) -> Finding:
        """The shortest story of a group, with every fault left out that can be."""
        scenario, violation = min(failures, key=lambda failure: len(failure[0].faults))
        while smaller := next(self._still_failing(scenario, violation), None):
            scenario, violation = smaller
        trace = self._simulate(scenario, lines=True)
        return Finding(violation, str(scenario), trace, len(failures) - 1)

    def _still_failing(
        self, scenario: Scenario, violation: Violation
    ) -> Iterator[tuple[Scenario, Violation]]:
        """The scenarios with one thing less in which the same invariant fails."""
        for smaller in _one_less(scenario):
            for other in self._rules.judge(self._simulate(smaller), self._world):
                if other.invariant == violation.invariant:
                    yield smaller, other


def _name(scenario: Scenario) -> tuple[str, ...]:
    """The same for all orders in which its faults may be written."""
    return (scenario.case, str(scenario.again), *sorted(str(fault) for fault in scenario.faults))


def _struck(trace: Trace) -> int:
    """When the first fault struck, in ms: what comes before is the run without it."""
    struck = [request.sent for request in trace.requests if request.fault]
    return min([*struck, *(crash.at for crash in trace.crashes)], default=0)


def _finite(trace: Trace, request: Request) -> int:
    """Faults that pass, which struck the same call."""
    call = (request.operation, request.key)
    return sum(
        bool(other.fault) and not other.fault.endswith("*")
        for other in trace.requests
        if (other.operation, other.key) == call
    )


def _one_less(scenario: Scenario) -> Iterator[Scenario]:
    if scenario.again:
        yield Scenario(scenario.case, scenario.faults)
    for faults in itertools.combinations(scenario.faults, max(0, len(scenario.faults) - 1)):
        if faults != scenario.faults:
            yield Scenario(scenario.case, faults, scenario.again)


def _turning(violation: Violation, trace: Trace) -> str:
    """Where it went wrong, in words that are the same for all scenarios of one cause."""
    if violation.missing:
        return f"no {violation.missing}"
    if violation.turning is None:
        return ""
    request = trace.requests[violation.turning - 1]
    return f"{request.operation} {request.answer}"
