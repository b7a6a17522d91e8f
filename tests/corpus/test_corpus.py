"""The grader as a classifier: every right solution passes, every wrong one fails by its own promise."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from grader import grade
from grader.exercises import EXERCISES
from grader.judge import replay_file

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
RIGHT = sorted(HERE.glob("exercise*/right/*.py"))
WRONG = sorted(HERE.glob("exercise*/wrong/*.py"))
LONG = () if os.environ.get("SAGA_WHOLE_CORPUS") else (6,)
"""Exercises of so many calls that `make proof` alone tries all pairs, and every fault on what is wrong."""
FIRST_LINE = re.compile(
    r"# (?P<id>\S+) .* \| fault: (?P<fault>.*) \| breaks: (?P<breaks>\S+)(?: \| says: (?P<says>.*))?"
)


def number(path: Path) -> int:
    return int(path.parent.parent.name.removeprefix("exercise"))


@pytest.mark.parametrize("path", RIGHT, ids=lambda path: path.stem)
def test_a_right_solution_of_another_shape_is_accepted(path: Path) -> None:
    report = grade(number(path), path, quick=True)
    assert report.verdict == "pass", [cause for judged in report.invariants for cause in judged.causes]


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_a_wrong_one_is_rejected_by_its_own_promise_under_its_own_fault(path: Path) -> None:
    told = FIRST_LINE.match(path.read_text(encoding="utf-8").splitlines()[0])
    assert told is not None, "the first line names the fault and the promise"
    if number(path) not in LONG:
        report = grade(number(path), path, quick=True)
        assert report.verdict == "fail"
        assert told["breaks"] in [judged.id for judged in report.invariants if judged.verdict == "fail"]
    shown = replay_file(path, told["fault"], number(path))
    assert told["breaks"] in [invariant.id for invariant, _ in shown.broken]


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda exercise: exercise.module)
def test_the_starter_fails_and_the_solution_passes(exercise) -> None:
    assert grade(None, ROOT / "exercises" / f"{exercise.module}.py").verdict == "fail"
    quick = exercise.number in LONG
    solved = grade(None, ROOT / "solutions" / f"{exercise.module}.py", quick=quick)
    assert solved.verdict == "pass"
    assert solved.points == (solved.max_points * 2 // 3 if quick else solved.max_points)
