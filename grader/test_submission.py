"""What pytest collects for `pytest grader --exercise 1 --submission FILE`."""

from __future__ import annotations

import pytest

from grader import message
from grader.report import Report


def test_submission(promise: str, graded: Report, subtests: pytest.Subtests) -> None:
    judged = next((x for x in graded.invariants if x.id == promise), None)
    if graded.problem or judged is None:
        pytest.fail(message.text(graded), pytrace=False)
    for cause in judged.causes:
        with subtests.test(cause.token):
            pytest.fail(message.failure(graded, judged, cause), pytrace=False)
    if judged.verdict in ("not run", "unknown"):
        pytest.fail(f"{judged.verdict}: faults wait until the runs without faults pass", pytrace=False)
