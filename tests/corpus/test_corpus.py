"""The grader as a classifier: every right solution passes, every wrong one fails by its own promise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

import pytest

from grader import grade
from grader.exercises import EXERCISES
from tests.corpus.classifier import ROOT, Outcome, corpus, judge_right, judge_wrong, number

LONG = (6,)
"""Exercises of so many calls that `make proof` alone tries every fault on what is wrong."""
Judged = Mapping[Path, Future[Outcome]]


@pytest.fixture(scope="module")
def judged(request: pytest.FixtureRequest) -> Iterator[Judged]:
    """The files of the chosen tests, judged side by side. Pairs wait for `make proof`."""
    callspecs = [item.callspec for item in request.session.items if hasattr(item, "callspec")]
    chosen = {callspec.params["path"] for callspec in callspecs if "path" in callspec.params}
    with ProcessPoolExecutor() as pool:
        right = {
            x: pool.submit(judge_right, number(x), x, quick=True) for x in corpus("right") if x in chosen
        }
        wrong = {x: pool.submit(judge_wrong, x, number(x) in LONG) for x in corpus("wrong") if x in chosen}
        yield right | wrong


def name(path: Path) -> str:
    return f"{number(path)}-{path.stem}"


@pytest.mark.parametrize("path", corpus("right"), ids=name)
def test_a_right_solution_of_another_shape_is_accepted(path: Path, judged: Judged) -> None:
    outcome = judged[path].result()
    assert outcome.verdict == "accepted", outcome.detail


@pytest.mark.parametrize("path", corpus("wrong"), ids=name)
def test_a_wrong_one_is_rejected_by_its_own_promise_under_its_own_fault(path: Path, judged: Judged) -> None:
    outcome = judged[path].result()
    assert outcome.verdict == "own", outcome.detail


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda exercise: exercise.module)
def test_the_starter_fails_and_the_solution_passes(exercise) -> None:
    assert grade(None, ROOT / "exercises" / f"{exercise.module}.py", quick=True).verdict == "fail"
    assert grade(None, ROOT / "solutions" / f"{exercise.module}.py", quick=True).verdict == "pass"
