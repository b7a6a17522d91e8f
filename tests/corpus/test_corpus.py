"""The grader as a classifier: every right solution passes, every wrong one fails by its own promise."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from grader import grade
from grader.exercises import EXERCISES
from tests.corpus.classifier import ROOT, corpus, judge_right, judge_wrong, number

LONG = () if os.environ.get("SAGA_WHOLE_CORPUS") else (3, 4, 5, 6)
"""Exercises of so many calls that `make proof` alone tries every fault on what is wrong."""


def name(path: Path) -> str:
    return f"{number(path)}-{path.stem}"


@pytest.mark.parametrize("path", corpus("right"), ids=name)
def test_a_right_solution_of_another_shape_is_accepted(path: Path) -> None:
    outcome = judge_right(number(path), path, quick=True)
    assert outcome.verdict == "accepted", outcome.detail


@pytest.mark.parametrize("path", corpus("wrong"), ids=name)
def test_a_wrong_one_is_rejected_by_its_own_promise_under_its_own_fault(path: Path) -> None:
    outcome = judge_wrong(path, quick=number(path) in LONG)
    assert outcome.verdict == "own", outcome.detail


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda exercise: exercise.module)
def test_the_starter_fails_and_the_solution_passes(exercise) -> None:
    assert grade(None, ROOT / "exercises" / f"{exercise.module}.py", quick=True).verdict == "fail"
    assert grade(None, ROOT / "solutions" / f"{exercise.module}.py", quick=True).verdict == "pass"
