"""What pytest collects for `pytest grader --exercise 1 --submission FILE`."""

from __future__ import annotations

import pytest

from grader.message import Failure, failure, text, undecided
from grader.report import Report


def test_submission(promise: str, graded: Report, subtests: pytest.Subtests) -> None:
    judged = next((x for x in graded.invariants if x.id == promise), None)
    if judged is None:
        pytest.fail(text(graded), pytrace=False)
    for cause in judged.causes:
        with subtests.test(cause.token):
            pytest.fail(failure(graded, Failure(judged, cause, ())), pytrace=False)
    if judged.verdict == "not run" and graded.verdict == "fail":
        pytest.skip(undecided(graded, judged))
    if why := undecided(graded, judged):
        pytest.fail(why, pytrace=False)
