"""Grade a submission: a file in a child process, or a function in this one."""

from __future__ import annotations

import inspect
import linecache
import shlex
import textwrap
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grader.candidate import unfit
from grader.exercises import EXERCISES, Exercise
from grader.process import GraderError, ProcessPort
from grader.remarks import remarks
from grader.report import MEDALS, Cause, Judged, Medal, Remark, Report, Scenarios, Verdict, level
from grader.rules import Broken, Invariant, Rules
from grader.story import faults_in_words, story
from grader.submission import CannotRun, Submission, read
from saga_lab.sim import EndlessLoop, Exploration, Finding, Trace, Violation, explore, parse, replay
from saga_lab.worlds.world import World

Progress = Callable[[int, int], None]
Function = Callable[..., Any]
PATIENCE, PATIENCE_WHEN_FAILING = 120.0, 6.0
"""Real seconds for all scenarios; after a failure nobody needs to wait for the rest."""
MOST_ENDLESS, LONG = 3, 100
"""Runs without an end and of so many requests, after which no more are tried."""


def grade(
    exercise: int | str | Path | Function | None,
    submission: str | Path | Function | None = None,
    *,
    quick: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Try every fault at every call, and (unless `quick`) every pair when the single ones pass.

    A file runs in a child process. A function runs in this one, which is quick and no boundary: it is
    for learning, not for marks. The exercise may be left out when a name says it.
    """
    if submission is None and not isinstance(exercise, int) and exercise is not None:
        exercise, submission = None, exercise
    if submission is None or not (exercise is None or isinstance(exercise, int)):
        raise TypeError("what is to be graded? For instance grade(1, order_saga), or grade(1, 'file.py')")
    if callable(submission):
        return _grade_function(_of_function(exercise, submission), submission, quick, progress)
    return _grade_file(Path(submission), exercise, quick, progress)


@dataclass
class Replayed:
    """One run of a file, its verdict, and what the file printed meanwhile."""

    submission: Submission
    trace: Trace
    broken: Sequence[tuple[Invariant, Broken]]
    printed: str


def replay_file(path: Path, token: str, exercise: int | None = None) -> Replayed:
    """Play one scenario of a file again. Raises CannotRun, EndlessLoop, BadToken, GraderError."""
    handed_in = read(path, exercise)
    world = handed_in.exercise.world
    port = ProcessPort(handed_in)
    try:
        trace = replay(port, world, token)
        printed = port.heard()
    except EndlessLoop as endless:
        raise CannotRun(f"{_sentence(port.ended or str(endless))}") from None
    finally:
        port.close()
    return Replayed(handed_in, trace, handed_in.exercise.rules.broken(trace, world), printed)


def explore_file(
    path: Path, exercise: int | None = None, progress: Progress | None = None
) -> tuple[Submission, Exploration]:
    """Run all single faults of a file and keep every run. Raises CannotRun, GraderError."""
    handed_in = read(path, exercise)
    world, rules = handed_in.exercise.world, handed_in.exercise.rules
    port = ProcessPort(handed_in)
    watch = _Watch(rules, world)
    try:
        return handed_in, explore(port, world, watch, keep=True, progress=progress)
    except _Enough:
        return handed_in, watch.exploration()
    except EndlessLoop as endless:
        raise CannotRun(_sentence(f"{port.ended or endless} in the scenario {endless.token!r}")) from None
    finally:
        port.close()


# ---- what is watched while scenarios run


class _Enough(Exception):
    """More runs would tell nothing new, or take too long."""


@dataclass
class _Watch:
    """The rules, with a memory of what was judged, in case the exploration breaks off."""

    rules: Rules
    world: type[World]
    began: float = field(default_factory=time.monotonic)
    endless: int = 0
    tokens: list[str] = field(default_factory=list)
    traces: list[Trace] = field(default_factory=list)
    failures: dict[tuple[str, str], list[tuple[Violation, Trace]]] = field(default_factory=dict)
    levels: dict[str, set[Medal]] = field(default_factory=dict)

    def judge(self, trace: Trace, world: type[World]) -> list[Violation]:
        found = self.rules.judge(trace, world)
        self.tokens.append(trace.token)
        self.traces.append(trace)
        for violation in found:
            where = violation.missing or _operation(trace, violation.turning)
            self.failures.setdefault((violation.invariant, where), []).append((violation, trace))
            self.levels.setdefault(violation.invariant, set()).add(level(parse(trace.token), world))
        self.endless += bool(trace.stopped) and len(trace.requests) > LONG
        patience = PATIENCE_WHEN_FAILING if self.failures else PATIENCE
        if self.endless >= MOST_ENDLESS or time.monotonic() - self.began > patience:
            raise _Enough
        return found

    def exploration(self) -> Exploration:
        """What is known when the exploration did not come to its end."""
        findings = []
        for same in self.failures.values():
            violation, trace = min(same, key=lambda x: x[1].token.count(" + "))
            findings.append(Finding(violation, trace.token, trace, len(same) - 1))
        tokens = tuple(dict.fromkeys(self.tokens))
        traces = tuple({trace.token: trace for trace in self.traces}.values())
        return Exploration(len(tokens) + 1, len(tokens), tuple(findings), tokens, False, 1, traces)


def _operation(trace: Trace, number: int | None) -> str:
    return trace.requests[number - 1].operation if number else ""


# ---- grading


@dataclass(frozen=True)
class _Graded:
    """What is graded: its exercise, how to run it, and how to tell a line of it, and a run again."""

    exercise: Exercise
    file: str
    saga: Function | ProcessPort
    where: Callable[..., str]
    again: Callable[[str], str]
    parts: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()


def _grade_file(path: Path, number: int | None, quick: bool, progress: Progress | None) -> Report:
    try:
        handed_in = read(path, number)
        port = ProcessPort(handed_in)
    except (CannotRun, GraderError) as problem:
        exercise = next((x for x in EXERCISES.values() if path.stem.startswith(x.module)), None)
        exercise = EXERCISES.get(number or 0, exercise)
        told = (exercise.number, exercise.title) if exercise else (0, "")
        verdict: Verdict = "not run" if isinstance(problem, CannotRun) else "grader error"
        return Report(*told, path.name, verdict, problem=str(problem))
    try:

        def again(token: str) -> str:
            return f'saga-lab replay {shlex.quote(path.name)} "{token}"'

        parts = tuple((part.label, part.source) for part in handed_in.parts)
        where, warnings = handed_in.where, handed_in.warnings
        graded = _Graded(handed_in.exercise, path.name, port, where, again, parts, warnings)
        return _grade(graded, quick, progress)
    finally:
        port.close()


def _grade_function(exercise: Exercise, function: Function, quick: bool, progress: Progress | None) -> Report:
    file = f"{exercise.module}.ipynb"
    name = getattr(function, "__name__", "saga")
    if problem := unfit(function, name):
        return Report(exercise.number, exercise.title, file, "not run", boundary=False, problem=f"{problem}.")
    code = getattr(function, "__code__", None)
    source = (inspect.getsourcefile(function) if code else "") or ""

    def where(line: int, label: str = "") -> str:
        first = code.co_firstlineno if code else 1
        place = f"{name}, line {line - first + 1}"
        return f"{place}   {linecache.getline(source, line).strip()}".rstrip()

    def again(token: str) -> str:
        world = exercise.world.__name__
        return f'timeline(replay({name}, {world}, "{token}"), {world})'

    lines, first = inspect.getsourcelines(function) if source and linecache.getlines(source) else ([], 1)
    parts = ((name, "\n" * (first - 1) + textwrap.dedent("".join(lines))),)
    return _grade(_Graded(exercise, file, function, where, again, parts), quick, progress)


def _of_function(number: int | None, function: Function) -> Exercise:
    name = getattr(function, "__name__", "")
    if number is not None and number not in EXERCISES:
        raise ValueError(f"there is no exercise {number} here yet, only {', '.join(map(str, EXERCISES))}")
    found = EXERCISES.get(number or 0) or next((x for x in EXERCISES.values() if x.function == name), None)
    if found is None:
        raise ValueError(f"which exercise is {name or 'this'}? Give its number: grade(1, {name or 'saga'})")
    return found


def _grade(graded: _Graded, quick: bool, progress: Progress | None) -> Report:
    """Singles, and pairs when those pass; whatever breaks off is told with what is known by then."""
    rules, world = graded.exercise.rules, graded.exercise.world
    singles = watch = _Watch(rules, world)
    died: Cause | None = None
    try:
        found = explore(graded.saga, world, watch, progress=progress)
        if not found.findings and found.complete and not quick:
            watch = _Watch(rules, world)
            found = explore(graded.saga, world, watch, depth=2, progress=progress)
    except _Enough:
        found = watch.exploration()
    except EndlessLoop as end:
        found, died = watch.exploration(), _died(graded, end)
    except GraderError as problem:
        return Report(
            graded.exercise.number, graded.exercise.title, graded.file, "grader error", problem=str(problem)
        )
    if found.findings and not found.complete and died is None:
        found = _with_lines(graded, found)
    levels = {**singles.levels, **watch.levels}
    for finding in found.findings:  # two runs that differ are found by the exploration itself
        broken = levels.setdefault(finding.violation.invariant, set())
        broken.add(level(parse(finding.token), world))
    said = remarks(singles.traces, rules, world, graded.parts, graded.where)
    return _report(graded, found, levels, died, said)


def _with_lines(graded: _Graded, found: Exploration) -> Exploration:
    """Play what failed again, to know the learner's lines."""
    traces = {x.token: x.trace for x in found.findings}
    for token in sorted(traces, key=lambda token: token.count(" + "))[:3]:
        traces[token] = replay(graded.saga, graded.exercise.world, token)
    findings = tuple(Finding(x.violation, x.token, traces[x.token], x.others) for x in found.findings)
    return Exploration(found.exist, found.ran, findings, found.tokens, False, found.depth)


def _died(graded: _Graded, end: EndlessLoop) -> Cause:
    """The run in which the saga's process fell silent, or ended."""
    port = graded.saga if isinstance(graded.saga, ProcessPort) else None
    token, last = end.token or "none", end.last
    how = port.ended if port else "it did not come back"
    called = f"after it called {last}" if last else "before it called any service"
    silent = "come back" in how
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


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


# ---- from runs to verdicts


def _report(
    graded: _Graded,
    found: Exploration,
    levels: dict[str, set[Medal]],
    died: Cause | None,
    said_besides: tuple[Remark, ...],
) -> Report:
    exercise, cases = graded.exercise, len(graded.exercise.world.cases)
    went_on = found.ran > cases
    scenarios = [parse(token) for token in found.tokens]
    # Gold is for pairs too, and those wait until the single faults pass.
    reached = MEDALS if found.depth > 1 else MEDALS[:-1]
    verdicts: dict[str, Verdict] = {
        medal: _of_medal(medal, levels, went_on and medal in reached, found.complete and died is None)
        for medal in MEDALS
    }
    judged = []
    for invariant in exercise.rules.invariants:
        causes = [_cause(graded, x) for x in found.findings if x.violation.invariant == invariant.id]
        if died is not None and invariant.id == "L-1":
            causes.insert(0, died)
        tried = went_on and any(invariant.tried_by(scenario, exercise.world) for scenario in scenarios)
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
        boundary=isinstance(graded.saga, ProcessPort),
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


def _cause(graded: _Graded, finding: Finding) -> Cause:
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
    line = trace.line
    if broken.turning is not None and not broken.missing:
        line = trace.requests[broken.turning - 1].line or line
    status = trace.result.get("status") if isinstance(trace.result, dict) else ""
    where = _operation(trace, broken.turning)
    return Cause(
        token=finding.token,
        status=status if isinstance(status, str) else "",
        faults=faults_in_words(finding.token),
        expected=broken.expected,
        observed=broken.observed,
        why=broken.why or invariant.why,
        story=tuple(story(trace, broken, rules.tells)),
        again=graded.again(finding.token),
        code=graded.where(line) if line else "",
        turn=f"no {broken.missing}" if broken.missing else where,
        others=finding.others,
        trace=trace,
    )
