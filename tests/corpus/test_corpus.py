"""The grader as a classifier: every right solution passes, every wrong one fails by its own promise.

Here a wrong one is shown its own fault alone; `make proof` tries every fault on it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from grader import grade
from grader.exercises import EXERCISES
from tests.corpus.classifier import ROOT, corpus, judge_right, judge_wrong, number


def name(path: Path) -> str:
    return f"{number(path)}-{path.stem}"


@pytest.mark.parametrize("path", corpus("right"), ids=name)
def test_a_right_solution_of_another_shape_is_accepted(path: Path) -> None:
    outcome = judge_right(number(path), path, quick=True)
    assert outcome.verdict == "accepted", outcome.detail


@pytest.mark.parametrize("path", corpus("wrong"), ids=name)
def test_a_wrong_one_is_rejected_by_its_own_promise_under_its_own_fault(path: Path) -> None:
    outcome = judge_wrong(path, quick=True)
    assert outcome.verdict == "own", outcome.detail


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda exercise: exercise.module)
def test_the_starter_fails_and_the_solution_passes(exercise) -> None:
    assert grade(None, ROOT / "exercises" / f"{exercise.module}.py", quick=True).verdict == "fail"
    assert grade(None, ROOT / "solutions" / f"{exercise.module}.py", quick=True).verdict == "pass"
