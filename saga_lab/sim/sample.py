"""A sample of what ran, run again: in another order by a candidate that is new, and with other values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from saga_lab.sim.double import parted
from saga_lab.sim.explore import Rules, Saga, play
from saga_lab.sim.faults import Scenario, parse
from saga_lab.sim.findings import Failures, Finding, Violation
from saga_lab.sim.messages import Port
from saga_lab.sim.port import InProcess
from saga_lab.sim.scheduler import simulate
from saga_lab.sim.trace import Trace
from saga_lab.worlds.world import World

ONE_IN, MOST = 12, 60
"""One scenario of so many is in the sample, and no more than that, besides those in which services at most
say no."""


class Sample(Struct, frozen=True):
    """What was found, and the promises that were put to the test: H-1, and H-2 with another request."""

    findings: tuple[Finding, ...]
    tried: tuple[str, ...]


def resample(saga: Saga, world: type[World], rules: Rules, traces: Sequence[Trace], seed: int = 0) -> Sample:
    """Play some of these runs again, the last first, then with the names and amounts of a `seed`.

    `saga` is the same one in a process that ran nothing yet (a function of this process has no other), so
    that whatever differs was kept from run to run (H-1), or differs whenever it is played (S-10). With a
    seed the rules judge each run anew: what they find there passed with the usual values. Under no key may
    both requests have asked for something. Raises EndlessLoop.
    """
    port = saga if isinstance(saga, Port) else InProcess(saga, world)
    sampler = _Sampler(port, world, rules)
    return play(port, lambda: sampler.play(chosen(traces), seed), lambda: sampler.playing)


def chosen(traces: Sequence[Trace]) -> list[Trace]:
    """Those that are played again, in the order in which they ran."""
    ran = {trace.token: trace for trace in traces}
    every = set(islice(ran, 0, None, max(ONE_IN, len(ran) // MOST)))
    return [trace for token, trace in ran.items() if token in every or _plain(parse(token))]


def _plain(scenario: Scenario) -> bool:
    """Nothing goes wrong in it, but that a service says no."""
    more = scenario.again or scenario.again_other or scenario.recover
    return not more and all(fault.kind == "refuse" for fault in scenario.faults)


class _Sampler:
    def __init__(self, port: Port, world: type[World], rules: Rules) -> None:
        self.playing = ""
        self._port = port
        self._world = world
        self._rules = rules
        self._failures = Failures(self._simulate, self._judge)

    def play(self, traces: Sequence[Trace], seed: int) -> Sample:
        found = [finding for trace in reversed(traces) if (finding := self._again(trace))]
        if found:
            first = min(found, key=lambda finding: len(parse(finding.token).faults))
            others = tuple(finding.token for finding in found if finding is not first)
            return Sample((replace(first, others=others),), ("H-1",))
        if not seed:
            return Sample((), ("H-1",))
        for trace in traces:
            scenario = replace(parse(trace.token), seed=seed)
            varied = self._simulate(scenario)
            shared = () if scenario.faults else _shared(trace, varied)
            for violation in (*self._judge(varied), *shared):
                self._failures.add(scenario, violation, varied)
        return Sample(self._failures.findings(), ("H-1", "H-2"))

    def _again(self, before: Trace) -> Finding | None:
        """The same scenario by another candidate, after other runs."""
        scenario = parse(before.token)
        now = self._simulate(scenario)
        if (told := parted(before, now)) is None:
            return None
        if restless := parted(now, self._simulate(scenario)):
            observed = f"played twice: one run {restless[0]}, where the other {restless[1]}"
            violation = Violation("S-10", "the same scenario gives the same run", observed)
        else:
            where = "in another order" if isinstance(self._port, InProcess) else "in a new process"
            observed = f"after other runs it {told[0]}, and {where} it {told[1]}"
            violation = Violation("H-1", "a run does not depend on those before it", observed)
        return Finding(violation, before.token, self._simulate(scenario, True))

    def _judge(self, trace: Trace) -> Sequence[Violation]:
        return self._rules.judge(trace, self._world)

    def _simulate(self, scenario: Scenario, lines: bool = False) -> Trace:
        self.playing = str(scenario)
        return simulate(self._port, self._world, scenario, lines=lines)


def _shared(usual: Trace, varied: Trace) -> Iterator[Violation]:
    """The first call for which two requests have one key, so that the later one is taken for a repeat."""
    if usual.saga == varied.saga:
        return
    keys = {(r.operation, r.key) for r in usual.requests if r.saga == usual.saga and r.role == "action"}
    for request in varied.requests:
        if request.saga == varied.saga and (request.operation, request.key) in keys:
            asked = f"{usual.saga} and {varied.saga} both asked for {request.operation} under {request.key}"
            expected = "what a saga asks for has a key that no other request has"
            yield Violation("H-2", expected, asked, request.number)
            return
