"""The report: one result, from which every message, file and exit code is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from grader.exercises import Exercise
from grader.rules import Invariant
from grader.story import faults_in_words, story
from saga_lab.sim import Exploration, Fault, Finding, Trace, parse

Verdict = Literal["pass", "fail", "unknown", "not run", "grader error", "cannot run"]
Medal = Literal["", "bronze", "silver"]
BRONZE = ("refuse", "down")
"""Faults on actions that bronze stands for; silver stands for the rest that are tried."""


class Cause(Struct, frozen=True):
    """One story that goes wrong: `token` repeats it, `others` more tell the same."""

    token: str
    status: str
    faults: str
    expected: str
    observed: str
    story: tuple[str, ...]
    line: str = ""
    others: int = 0


class Judged(Struct, frozen=True):
    """The verdict on one invariant; a pass has proof that its scenarios ran."""

    id: str
    promise: str
    why: str
    verdict: Verdict
    points: int
    max_points: int
    causes: tuple[Cause, ...] = ()


class Counts(Struct, frozen=True):
    """How many scenarios exist, ran, and were left out as equal to others."""

    exist: int = 0
    ran: int = 0
    pruned: int = 0


class Report(Struct, frozen=True):
    """The result of grading. `problem` says why nothing could be judged, when that is so.

    `traces` are the runs of the causes, in the order of the invariants.
    """

    exercise: int
    title: str
    file: str
    verdict: Verdict
    medal: Medal = ""
    points: int = 0
    max_points: int = 0
    scenarios: Counts = Counts()
    pairs: bool = False
    invariants: tuple[Judged, ...] = ()
    warnings: tuple[str, ...] = ()
    problem: str = ""
    traces: tuple[Trace, ...] = ()

    @property
    def exit_code(self) -> int:
        return {"pass": 0, "cannot run": 2, "grader error": 3}.get(self.verdict, 1)


def from_exploration(
    exercise: Exercise,
    file: str,
    exploration: Exploration,
    where: Callable[[int], str],
    warnings: tuple[str, ...],
) -> Report:
    """Turn what was explored into verdicts, points and causes. `where` tells a line of the submission."""
    went_on = exploration.ran > len(exercise.world.cases)
    judged, traces = [], list[Trace]()
    for invariant in exercise.rules.invariants:
        findings = sorted(
            (x for x in exploration.findings if x.violation.invariant == invariant.id),
            key=lambda x: len(x.token),
        )
        traces += [finding.trace for finding in findings]
        judged.append(_judged(invariant, findings, went_on, exploration.complete, where))
    verdicts = {x.verdict for x in judged}
    verdict: Verdict = "fail" if "fail" in verdicts else "pass" if verdicts == {"pass"} else "unknown"
    return Report(
        exercise=exercise.number,
        title=exercise.title,
        file=file,
        verdict=verdict,
        medal=_medal(exploration, went_on),
        points=sum(x.points for x in judged),
        max_points=sum(x.max_points for x in judged),
        scenarios=Counts(exploration.exist, exploration.ran),
        pairs=exploration.depth > 1,
        invariants=tuple(judged),
        warnings=warnings,
        traces=tuple(traces),
    )


def _judged(
    invariant: Invariant, findings: list[Finding], went_on: bool, complete: bool, where: Callable[[int], str]
) -> Judged:
    verdict: Verdict = "fail" if findings else "not run" if not went_on else "pass" if complete else "unknown"
    proven = went_on and complete
    points = 0
    if proven and not any(_is_bronze(finding.token) for finding in findings):
        points = invariant.points * (1 if findings else 2)
    causes = tuple(_cause(finding, where) for finding in findings)
    return Judged(
        invariant.id, invariant.promise, invariant.why, verdict, points, 2 * invariant.points, causes
    )


def _cause(finding: Finding, where: Callable[[int], str]) -> Cause:
    trace, violation = finding.trace, finding.violation
    status = trace.result.get("status", "") if isinstance(trace.result, dict) else ""
    line = trace.line
    if violation.turning is not None and not violation.missing:
        line = trace.requests[violation.turning - 1].line or line
    return Cause(
        token=finding.token,
        status=status if isinstance(status, str) else "",
        faults=faults_in_words(finding.token),
        expected=violation.expected,
        observed=violation.observed,
        story=tuple(story(trace, violation)),
        line=where(line) if line else "",
        others=finding.others,
    )


def _medal(exploration: Exploration, went_on: bool) -> Medal:
    """Gold needs rivals, deadlines and cancels, which are not tried yet."""
    if not went_on or not exploration.complete or any(_is_bronze(x.token) for x in exploration.findings):
        return ""
    return "bronze" if exploration.findings else "silver"


def _is_bronze(token: str) -> bool:
    def plain(fault: Fault) -> bool:
        return fault.kind in BRONZE and (fault.endless or fault.times == 1)

    scenario = parse(token)
    return len(scenario.faults) <= 1 and not scenario.again and all(plain(fault) for fault in scenario.faults)
