"""pytest grader --exercise 1 --submission FILE: one item per promise, its causes as subtests.

Loaded as soon as it is installed, so it imports the grader only when one is asked for, and touches no
other test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from grader.report import Report

_REPORT = pytest.StashKey["Report"]()
_TESTS = "grader.test_submission"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("saga-lab", "grading a saga")
    group.addoption("--exercise", type=int, help="number of the exercise, if the file's name does not say")
    group.addoption("--submission", metavar="FILE", help="the .py or .ipynb to grade")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make an item of every promise that was judged, in the order of the law."""
    if metafunc.function.__module__ != _TESTS or metafunc.config.getoption("submission") is None:
        return
    report = _graded(metafunc.config)
    metafunc.parametrize("promise", [judged.id for judged in report.invariants] or ["it can be run"])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Say what to type when no submission was given, here, where it ends pytest without a traceback."""
    if config.getoption("submission") is None and any(
        isinstance(item, pytest.Function) and item.function.__module__ == _TESTS for item in items
    ):
        raise pytest.UsageError("what is to be graded? pytest grader --exercise 1 --submission FILE")


@pytest.fixture(scope="session")
def graded(request: pytest.FixtureRequest) -> Report:
    """The report of this session."""
    return _graded(request.config)


def _graded(config: pytest.Config) -> Report:
    from grader.judge import grade

    if _REPORT not in config.stash:
        config.stash[_REPORT] = grade(config.getoption("exercise"), config.getoption("submission"))
    return config.stash[_REPORT]
