"""Grade a submission: a file in a child process, or a function in this one."""

from __future__ import annotations

import inspect
import linecache
from collections.abc import Callable
from pathlib import Path
from typing import Any

from grader.exercises import EXERCISES, Exercise
from grader.process import Died, ProcessPort
from grader.report import Counts, Judged, Report, from_exploration
from grader.submission import CannotRun, Submission, read
from saga_lab.sim import EndlessLoop, Exploration, Trace, explore, replay
from saga_lab.sim.explore import Saga

Progress = Callable[[int, int], None]


def grade(
    exercise: int | None,
    submission: str | Path | Callable[..., Any],
    *,
    quick: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Try every fault at every call, and (unless `quick`) every pair when the single ones pass.

    A file runs in a child process. A function runs in this one, which is quick and no boundary: it is
    for learning, not for marks.
    """
    if callable(submission):
        return _grade_function(_of_function(exercise, submission), submission, quick, progress)
    path = Path(submission)
    try:
        handed_in = read(path, exercise)
        port = ProcessPort(handed_in)
    except CannotRun as problem:
        return _cannot_run(exercise, path, str(problem))
    try:
        return _judge(
            handed_in.exercise, path.name, port, handed_in.where, quick, progress, handed_in.warnings
        )
    finally:
        port.close()


def replay_file(path: Path, token: str, exercise: int | None = None) -> tuple[Submission, Trace]:
    """Play one scenario of a file again. Raises CannotRun, EndlessLoop, Died, BadToken."""
    handed_in = read(path, exercise)
    port = ProcessPort(handed_in)
    try:
        return handed_in, replay(port, handed_in.exercise.world, token)
    finally:
        port.close()


def explore_file(path: Path, exercise: int | None = None) -> tuple[Submission, Exploration]:
    """Run all single faults of a file and keep every run. Raises CannotRun, EndlessLoop, Died."""
    handed_in = read(path, exercise)
    port = ProcessPort(handed_in)
    try:
        found = explore(port, handed_in.exercise.world, handed_in.exercise.rules, keep=True)
        return handed_in, found
    finally:
        port.close()


def _grade_function(
    exercise: Exercise, function: Callable[..., Any], quick: bool, progress: Progress | None
) -> Report:
    name = f"{exercise.module}.ipynb"
    if not inspect.iscoroutinefunction(function):
        problem = (
            f"{exercise.function} is a plain function. Write it as: async def {exercise.function}(saga, ...)"
        )
        return Report(exercise.number, exercise.title, name, "cannot run", problem=problem)
    source = inspect.getsourcefile(function) or ""

    def where(line: int) -> str:
        return (
            f"{exercise.function}, line {line - function.__code__.co_firstlineno + 1} of it   "
            + linecache.getline(source, line).strip()
        )

    return _judge(exercise, name, function, where, quick, progress, ())


def _judge(
    exercise: Exercise,
    file: str,
    saga: Saga,
    where: Callable[[int], str],
    quick: bool,
    progress: Progress | None,
    warnings: tuple[str, ...],
) -> Report:
    try:
        found = explore(saga, exercise.world, exercise.rules, progress=progress)
        if not found.findings and not quick:
            found = explore(saga, exercise.world, exercise.rules, depth=2, progress=progress)
    except (EndlessLoop, Died) as problem:
        return _never_ended(exercise, file, str(problem))
    return from_exploration(exercise, file, found, where, warnings)


def _never_ended(exercise: Exercise, file: str, problem: str) -> Report:
    """The run broke off: no promise was shown to hold, and L-1 is broken."""
    rules = exercise.rules
    judged = tuple(
        Judged(x.id, x.promise, x.why, "fail" if x.id == "L-1" else "not run", 0, 2 * x.points)
        for x in rules.invariants
    )
    most = sum(x.max_points for x in judged)
    problem = f"{problem[0].upper()}{problem[1:]}."
    return Report(
        exercise.number,
        exercise.title,
        file,
        "fail",
        max_points=most,
        scenarios=Counts(exist=1),
        invariants=judged,
        problem=problem,
    )


def _of_function(number: int | None, function: Callable[..., Any]) -> Exercise:
    name = getattr(function, "__name__", "")
    found = (
        EXERCISES.get(number) if number else next((x for x in EXERCISES.values() if x.function == name), None)
    )
    if found is None:
        raise ValueError(
            f"which exercise is {name or function!r}? Give its number: grade(1, {name or 'saga'})"
        )
    return found


def _cannot_run(number: int | None, path: Path, problem: str) -> Report:
    exercise = EXERCISES.get(number or 0) or next(
        (x for x in EXERCISES.values() if path.stem.startswith(x.module)), None
    )
    title = exercise.title if exercise else "Not graded"
    return Report(exercise.number if exercise else 0, title, path.name, "cannot run", problem=problem)
