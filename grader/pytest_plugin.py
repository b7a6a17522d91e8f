"""pytest grader --exercise 1 --submission FILE: one item per promise, its causes as subtests."""

from __future__ import annotations

import pytest

from grader.exercises import EXERCISES
from grader.judge import grade
from grader.report import Report

_REPORT = pytest.StashKey[Report]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("saga-lab", "grading a saga")
    group.addoption("--exercise", type=int, default=1, help="number of the exercise (default: 1)")
    group.addoption("--submission", metavar="FILE", help="the .py or .ipynb to grade")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make an item of every promise of the exercise."""
    if "promise" not in metafunc.fixturenames:
        return
    number = metafunc.config.getoption("exercise")
    if metafunc.config.getoption("submission") is None:
        raise pytest.UsageError("what is to be graded? pytest grader --exercise 1 --submission FILE")
    if number not in EXERCISES:
        raise pytest.UsageError(f"there is no exercise {number}, only {', '.join(map(str, EXERCISES))}")
    metafunc.parametrize("promise", [invariant.id for invariant in EXERCISES[number].rules.invariants])


@pytest.fixture
def graded(request: pytest.FixtureRequest) -> Report:
    """The report of this session, made once."""
    stash, option = request.session.stash, request.config.getoption
    if _REPORT not in stash:
        stash[_REPORT] = grade(option("exercise"), option("submission"))
    return stash[_REPORT]
