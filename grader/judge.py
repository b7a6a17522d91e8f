"""Grade a submission: a file in a child process, or a function in this one."""

from __future__ import annotations

import inspect
import linecache
import shlex
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from grader.candidate.child import unfit
from grader.exercises import EXERCISES, Exercise, named
from grader.message import shown
from grader.process import GraderError, ProcessPort
from grader.progress import keep
from grader.remarks import remarks
from grader.report import Report, Verdict, level
from grader.rules import Broken, Invariant
from grader.sandbox import Sandbox
from grader.submission import CannotRun, Submission, read
from grader.verdicts import Function, Graded, Saga, died, report, with_lines
from grader.watch import PATIENCE_WITH_PAIRS, Enough, Watch
from saga_lab.sim import EndlessLoop, Exploration, Trace, deepening, explore, parse, replay, resample

Progress = Callable[[int, int], None]


def grade(
    exercise: int | str | Path | Function | None,
    submission: str | Path | Function | None = None,
    *,
    quick: bool = False,
    progress: Progress | None = None,
    sandbox: Sandbox | None = None,
    patient: bool = False,
) -> Report:
    """Try every fault at every call, and (unless `quick`) every pair when the single ones pass.

    A file runs in a `sandbox`, by default the best that this machine offers; one that fails is tried to the
    end when the judge is `patient`, for marks that do not hang on how busy the machine is. A function runs
    in this process, which is quick and no boundary: it is for learning, not for marks; in a working copy
    the board shows it. The exercise may be left out when a name says it.
    """
    if submission is None and not isinstance(exercise, int) and exercise is not None:
        exercise, submission = None, exercise
    if submission is None or not (exercise is None or isinstance(exercise, int)):
        raise TypeError("what is to be graded? For instance grade(1, order_saga), or grade(1, 'file.py')")
    if callable(submission):
        report = _grade_function(_of_function(exercise, submission), submission, quick, progress)
        keep(report, Path.cwd())
        return report
    return _grade_file(Path(submission), exercise, quick, progress, sandbox, patient)


@dataclass
class Replayed:
    """One run of a file, its verdict, and what the file printed meanwhile."""

    submission: Submission
    trace: Trace
    broken: Sequence[tuple[Invariant, Broken]]
    printed: str


def replay_file(
    path: Path, token: str, exercise: int | None = None, *, sandbox: Sandbox | None = None
) -> Replayed:
    """Play one scenario of a file again. Raises CannotRun, EndlessLoop, BadToken, GraderError."""
    handed_in = read(path, exercise)
    world = handed_in.exercise.world
    port = ProcessPort(handed_in, sandbox=sandbox)
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
    watch = Watch(rules, world)
    try:
        return handed_in, explore(port, world, watch, keep=True, progress=progress)
    except Enough:
        return handed_in, watch.exploration()
    except EndlessLoop as endless:
        raise CannotRun(_sentence(f"{port.ended or endless} in the scenario {endless.token!r}")) from None
    finally:
        port.close()


# ---- grading


def _grade_file(
    path: Path,
    number: int | None,
    quick: bool,
    progress: Progress | None,
    sandbox: Sandbox | None,
    patient: bool,
) -> Report:
    exercise = EXERCISES.get(number or 0, named(path.name))
    verdict: Verdict
    try:
        handed_in = read(path, number)
        exercise = handed_in.exercise
        with closing(ProcessPort(handed_in, sandbox=sandbox)) as port:

            def again(token: str) -> str:
                return f'saga-lab replay {shlex.quote(path.name)} "{token}"'

            def anew(kills: bool) -> ProcessPort:
                return ProcessPort(handed_in, sandbox=sandbox, hash_seed=1, kills=kills)

            parts = tuple((part.label, part.source) for part in handed_in.parts)
            where, warnings = handed_in.where, handed_in.warnings
            graded = Graded(exercise, path.name, port, anew, where, again, parts, warnings)
            return _grade(graded, quick, progress, patient)
    except CannotRun as problem:
        verdict, told = "not run", str(problem)
    except GraderError as problem:
        verdict, told = "grader error", str(problem)
    except Exception as problem:  # noqa: BLE001 - whatever was handed in, a report comes out
        verdict, told = "grader error", f"{type(problem).__name__}: {problem}"
    which = (exercise.number, exercise.title) if exercise else (0, "")
    return Report(*which, shown(path.name), verdict, problem=told)


def _grade_function(exercise: Exercise, function: Function, quick: bool, progress: Progress | None) -> Report:
    file = f"{exercise.module}.ipynb"
    name = getattr(function, "__name__", "saga")
    if problem := unfit(function, name):
        return Report(exercise.number, exercise.title, file, "not run", problem=f"{problem}.")
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
    graded = Graded(exercise, file, function, lambda kills: function, where, again, parts)
    return _grade(graded, quick, progress, patient=False)


def _of_function(number: int | None, function: Function) -> Exercise:
    name = getattr(function, "__name__", "")
    if number is not None and number not in EXERCISES:
        raise ValueError(f"there is no exercise {number} here yet, only {', '.join(map(str, EXERCISES))}")
    found = EXERCISES.get(number or 0) or next((x for x in EXERCISES.values() if x.function == name), None)
    if found is None:
        raise ValueError(f"which exercise is {name or 'this'}? Give its number: grade(1, {name or 'saga'})")
    return found


def _grade(graded: Graded, quick: bool, progress: Progress | None, patient: bool) -> Report:
    """Singles, a sample of them anew, and pairs when those pass; what breaks off is told as far as known."""
    rules, world = graded.exercise.rules, graded.exercise.world
    watch = Watch(rules, world, patient)
    saga, end, sampled = graded.saga, None, tuple[str, ...]()
    deeper = deepening(saga, world, watch, progress=progress)
    try:
        found = _explored(deeper, watch)
        if found.different is None:
            saga = graded.anew(False)  # what was lost in crashes is kept now, and the other way round
            found, sampled = _sampled(saga, watch, found, 0 if found.findings else graded.seed)
        if not found.findings and found.complete and not quick:
            saga = graded.saga
            if isinstance(saga, ProcessPort):
                saga.kills, saga.patience = False, PATIENCE_WITH_PAIRS  # there are thousands
            watch.go_deeper()
            found = _explored(deeper, watch)
            saga = graded.anew(True)
            found, _ = _sampled(saga, watch, found, 0)
    except EndlessLoop as endless:
        found, end = watch.exploration(), died(graded, saga, endless)
    if found.findings and not found.complete and end is None:
        found = with_lines(graded, found)
    for finding in found.findings:  # what differs from run to run is no promise that the watch judges
        broken = watch.levels.setdefault(finding.violation.invariant, set())
        broken.add(level(parse(finding.token), world))
    said = remarks(watch.traces[: watch.singles], rules, world, graded.parts, graded.where)
    return report(graded, found, watch, sampled, end, said)


def _explored(deeper: Iterator[Exploration], watch: Watch) -> Exploration:
    """All that exists, or what ran until more would tell nothing new. Raises EndlessLoop, GraderError."""
    try:
        return next(deeper)
    except Enough:
        return watch.exploration()


def _sampled(saga: Saga, watch: Watch, found: Exploration, seed: int) -> tuple[Exploration, tuple[str, ...]]:
    """What was found, also by a sample, and the promises that this tried. Raises as `_explored`."""
    try:
        sample = resample(saga, watch.world, watch.rules, watch.traces, seed)
    finally:
        if isinstance(saga, ProcessPort):
            saga.close()
    return replace(found, findings=(*found.findings, *sample.findings)), sample.tried


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
