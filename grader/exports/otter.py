"""otter-grader: a test file for an exercise, with a case for every promise and medal.

In otter's exception format, since there a case fails with our own message; in its OK format it fails with
what a doctest printed. A case is all or nothing, so a promise has one for each medal. The file is graded, in
a sandbox, not the function in the kernel.

Format: https://otter-grader.readthedocs.io/en/latest/test_files/python_format.html
"""

from __future__ import annotations

from pathlib import Path

from grader.exercises import EXERCISES, Exercise
from grader.exports.checks import Point, by_medal, checks
from grader.exports.folder import handed_in
from grader.judge import grade
from grader.report import Medal, Report
from grader.submission import CannotRun

_HEAD = '''\
"""{title}. Made by saga-lab export otter; it needs Saga Lab where it runs."""

from otter.test_files import test_case

from grader.exports.otter import won

OK_FORMAT = False
name = "{name}"
points = None
'''
_CASE = """

@test_case(name="{title}", points={points}, hidden=False)
def {function}():
    won({number}, "{id}", "{medal}")
"""
_PLACES = (".", "submission")
"""Where otter has what was handed in: beside the learner's kernel, or in a folder of its own."""
_graded: dict[tuple[Path, bytes], Report] = {}


def tests(exercise: Exercise) -> str:
    """The test file; it is to be called `exerciseN.py`, in the folder of the tests."""
    name = f"exercise{exercise.number}"
    return _HEAD.format(title=exercise.title, name=name) + "".join(
        _CASE.format(
            title=point.name,
            points=point.points,
            function=point.name.lower().replace("-", "_").replace(" ", "_"),
            number=exercise.number,
            id=point.check.id,
            medal=point.medal,
        )
        for point in by_medal(checks(Report(exercise.number, exercise.title, exercise.module, "not run")))
    )


def won(number: int, id: str, medal: Medal) -> None:
    """Pass when that promise holds at the level of that medal. AssertionError, with the reason, when not."""
    point = _points(_report(number))[id, medal]
    if not point.earned:
        raise AssertionError(f"\n{point.check.told or 'Not won yet: it also needs all pairs.'}")


def _points(report: Report) -> dict[tuple[str, Medal], Point]:
    return {(point.check.id, point.medal): point for point in by_medal(checks(report))}


def _report(number: int) -> Report:
    """Graded once, as long as the file stays the same."""
    try:
        path = _submission(EXERCISES[number])
    except CannotRun as problem:
        return Report(number, EXERCISES[number].title, "", "not run", problem=str(problem))
    key = path.resolve(), path.read_bytes()
    if key not in _graded:
        _graded.clear()
        _graded[key] = grade(number, path, patient=True)
    return _graded[key]


def _submission(exercise: Exercise) -> Path:
    """In a working copy the starter lies beside the notebook; a notebook calls otter, so that one counts."""
    notebooks = [Path(place) / f"{exercise.module}.ipynb" for place in _PLACES]
    found = next((path for path in notebooks if path.exists()), None)
    if found is not None:
        return found
    folder = next(Path(place) for place in reversed(_PLACES) if Path(place).is_dir())
    return handed_in(folder, exercise.number)
