"""From runs to verdicts: what was found is judged once more on the run that is shown, and told."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any
from zlib import crc32

from grader.exercises import Exercise
from grader.process import Died, ProcessPort
from grader.report import MEDALS, Cause, Judged, Medal, Remark, Report, Scenarios, Verdict
from grader.rules import Broken
from grader.story import faults_in_words, story
from grader.watch import Watch, operation
from saga_lab.sim import BadMessage, EndlessLoop, Exploration, Finding, Trace, parse, replay

Function = Callable[..., Any]
Saga = Function | ProcessPort
KNOWN_BY_HEART = (
    "With the usual names and amounts all went well, so some of them stand in your code. Take every one "
    "from the request, and every id from the answer of the service that gave it."
)
MOST_ALIKE = 8
"""Runs with the same cause that are kept beside the one that is told."""


@dataclass(frozen=True)
class Graded:
    """What is graded: its exercise, how to run it, and how to tell a line of it, and a run again.

    `anew(kills)` gives the saga in a process that ran nothing yet, to be killed at every crash or not; a
    function of this process has no other.
    """

    exercise: Exercise
    file: str
    saga: Saga
    anew: Callable[[bool], Saga]
    where: Callable[..., str]
    again: Callable[[str], str]
    parts: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def seed(self) -> int:
        """Of other names and amounts: the same at each grading of the same source."""
        return 1 + crc32("".join(source for _, source in self.parts).encode()) % 999


def with_lines(graded: Graded, found: Exploration) -> Exploration:
    """Play what failed again, to know the learner's lines."""
    traces = {x.token: x.trace for x in found.findings}
    for token in sorted(traces, key=lambda token: token.count(" + "))[:3]:
        traces[token] = replay(graded.saga, graded.exercise.world, token)
    findings = tuple(Finding(x.violation, x.token, traces[x.token], x.others) for x in found.findings)
    return Exploration(found.exist, found.ran, findings, found.tokens, False, found.depth)


def died(graded: Graded, saga: Saga, end: EndlessLoop) -> Cause:
    """The run in which the saga's process fell silent, or ended."""
    port = saga if isinstance(saga, ProcessPort) else None
    token, last = end.token or "none", end.last
    how = (port and port.ended) or end.how
    called = f"after it called {last}" if last else "before it called any service"
    silent = not isinstance(end, Died | BadMessage)
    why = (
        "It loops without awaiting anything, or it blocks. time.sleep stops everything: use saga.sleep."
        if silent
        else "A saga never ends its process: it returns a status."
    )
    return Cause(
        token=token,
        status="",
        faults=faults_in_words(token),
        expected="the saga ends, with a status",
        observed=f"{how}, {called}",
        why=why,
        story=(
            (f" 1 {last}", f" 2 {how}   <- here it went wrong")
            if last
            else (f" 1 {how}   <- here it went wrong",)
        ),
        again=graded.again(token),
        code=graded.where(port.stood[1]) if port and port.stood else "",
        turn="died",
    )


def report(
    graded: Graded,
    found: Exploration,
    watch: Watch,
    sampled: Collection[str],
    end: Cause | None,
    said_besides: tuple[Remark, ...],
) -> Report:
    """The verdict on each promise, and its points.

    `sampled`: promises that a sample of the runs put to the test. `end`: the run from which the saga
    never came back.
    """
    exercise, cases = graded.exercise, len(graded.exercise.world.cases)
    levels, traces = watch.levels, {trace.token: trace for trace in watch.traces}
    went_on = found.ran > cases
    scenarios = [parse(token) for token in found.tokens]
    # Gold is for pairs too, and those wait until the single faults pass.
    reached = MEDALS if found.depth > 1 else MEDALS[:-1]
    verdicts: dict[str, Verdict] = {
        medal: _of_medal(medal, levels, went_on and medal in reached, found.complete and end is None)
        for medal in MEDALS
    }
    judged = []
    for invariant in exercise.rules.invariants:
        causes = [_cause(graded, x, traces) for x in found.findings if x.violation.invariant == invariant.id]
        if end is not None and invariant.id == "L-1":
            causes.insert(0, end)
        tried = went_on and (
            invariant.id in sampled
            or any(invariant.tried_by(scenario, exercise.world) for scenario in scenarios)
        )
        verdict: Verdict = (
            "fail" if causes else "not run" if not tried else "pass" if found.complete else "unknown"
        )
        broken = levels.get(invariant.id, set())
        earned = [
            x for x in reached if tried and found.complete and x not in broken and not _below(x, broken)
        ]
        points = invariant.points * len(earned)
        most = invariant.points * len(MEDALS)
        judged.append(
            Judged(invariant.id, invariant.promise, verdict, points, most, invariant.notebook, tuple(causes))
        )
    said = {x.verdict for x in judged}
    overall: Verdict = "fail" if "fail" in said else "pass" if said == {"pass"} else "unknown"
    won: list[Medal] = []
    for medal in MEDALS:
        if verdicts[medal] != "pass":
            break
        won.append(medal)
    return Report(
        exercise=exercise.number,
        title=exercise.title,
        file=graded.file,
        verdict=overall,
        medal=won[-1] if won else None,
        medals=verdicts,
        points=sum(x.points for x in judged),
        max_points=sum(x.max_points for x in judged),
        scenarios=Scenarios(found.exist, found.ran, sum(found.pruned.values()), cases),
        depth=found.depth,
        sandbox=graded.saga.sandbox.means if isinstance(graded.saga, ProcessPort) else "",
        invariants=tuple(judged),
        warnings=graded.warnings,
        remarks=said_besides,
    )


def _of_medal(medal: Medal, levels: dict[str, set[Medal]], tried: bool, complete: bool) -> Verdict:
    if any(medal in broken for broken in levels.values()):
        return "fail"
    return ("pass" if complete else "unknown") if tried else "not run"


def _below(medal: Medal, broken: set[Medal]) -> bool:
    """A higher medal is not won over a lower one that is lost."""
    return any(MEDALS.index(x) < MEDALS.index(medal) for x in broken)


def _cause(graded: Graded, finding: Finding, traces: Mapping[str, Trace]) -> Cause:
    """Tell one finding: judged once more, on the run that is shown."""
    rules, world, trace, violation = (
        graded.exercise.rules,
        graded.exercise.world,
        finding.trace,
        finding.violation,
    )
    invariant = rules[violation.invariant]
    broken = next((x for y, x in rules.broken(trace, world) if y.id == invariant.id), None)
    broken = broken or Broken(violation.expected, violation.observed, violation.turning, violation.missing)
    if broken.turning is not None and broken.turning > len(trace.requests):  # it differs from run to run
        broken = replace(broken, turning=None)
    line = trace.line
    if broken.turning is not None and not broken.missing:
        line = trace.requests[broken.turning - 1].line or line
    status = trace.result.get("status") if isinstance(trace.result, dict) else ""
    where = operation(trace, broken.turning)
    return Cause(
        token=finding.token,
        status=status if isinstance(status, str) else "",
        faults=faults_in_words(finding.token),
        expected=broken.expected,
        observed=broken.observed,
        why=KNOWN_BY_HEART if parse(finding.token).seed else broken.why or invariant.why,
        story=tuple(story(trace, broken, rules.tells)),
        again=graded.again(finding.token),
        code=graded.where(line) if line else "",
        turn=f"no {broken.missing}" if broken.missing else where,
        others=len(finding.others),
        trace=trace,
        alike=tuple(_alike(graded, finding, traces)),
    )


def _alike(graded: Graded, finding: Finding, traces: Mapping[str, Trace]) -> Iterator[Trace]:
    """Some of the other runs with this cause: first one for each kind of fault at each operation."""
    rules, world = graded.exercise.rules, graded.exercise.world
    known = [traces[token] for token in dict.fromkeys(finding.others) if token in traces]
    known = [trace for trace in known if trace.token != finding.token]
    firsts = {
        tuple((x.site.operation, x.kind) for x in parse(trace.token).faults): trace
        for trace in reversed(known)
    }
    order = sorted(known, key=lambda trace: trace not in firsts.values())
    # what differs from run to run broke its promise in another run than the one that was kept
    failing = (
        x for x in order if any(y.id == finding.violation.invariant for y, _ in rules.broken(x, world))
    )
    yield from islice(failing, MOST_ALIKE)
