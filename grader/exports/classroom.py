"""GitHub Classroom: the output `result` of a grading step, which its grading reporter reads.

The reporter (github.com/classroom-resources/autograding-grading-reporter) counts passed tests in its table
and adds up scores in its report, so every test is worth one point: then both say the same. It fails on a
result without `tests`, and reports nothing where `max_score` is 0.
"""

from __future__ import annotations

import base64
import json

from grader.exports.checks import Point, by_medal, checks, total
from grader.report import Report

_STATUS = {"pass": "pass", "not run": "error", "grader error": "error"}


def result(report: Report) -> str:
    """A line for the file `$GITHUB_OUTPUT`: `result=`, and JSON in base64."""
    return f"result={base64.b64encode(graded(report).encode()).decode()}\n"


def graded(report: Report) -> str:
    """The JSON: one test for each point, with what the learner is told where it is lost."""
    rows = checks(report)
    told = {
        "version": 1,
        "status": _STATUS.get(report.verdict, "fail"),
        "max_score": total(rows)[1],
        "tests": [_test(report, point, nth) for point in by_medal(rows) for nth in range(point.points)],
    }
    return json.dumps(told)


def _test(report: Report, point: Point, nth: int) -> dict[str, object]:
    number = f", point {nth + 1}" if point.points > 1 else ""
    return {
        "name": f"{point.name}{number}: {point.check.promise}",
        "status": "pass" if point.earned else "fail",
        "score": int(point.earned),
        "message": "" if point.earned else point.check.told or "Not won yet: it also needs all pairs.",
        "test_code": f"saga-lab grade {report.file}",
        "filename": report.file,
        "line_no": 0,
        "duration": 0,
    }
