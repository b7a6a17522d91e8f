"""Exercism: `results.json` of a test runner, version 3. It knows no points.

Format: https://exercism.org/docs/building/tooling/test-runners/interface
"""

from __future__ import annotations

import json

from grader.exports.checks import checks
from grader.message import text
from grader.report import Report, Verdict

LONGEST = 65_535
"""Characters of a message."""
_STATUS: dict[Verdict, str] = {"pass": "pass", "fail": "fail"}


def results(report: Report) -> str:
    """The JSON. `error` on top is for a file of which nothing ran, and has a message."""
    told: dict[str, object] = {"version": 3}
    if not report.invariants:
        told |= {"status": "error", "message": _fitted(checks(report)[0].told or text(report)), "tests": []}
        return json.dumps(told, indent=2) + "\n"
    told["status"] = "pass" if report.verdict == "pass" else "fail"
    told["tests"] = [
        {
            "name": check.title,
            "test_code": f"saga-lab grade {report.file}",
            "status": _STATUS.get(check.verdict, "error"),
            **({"message": _fitted(check.told)} if check.verdict != "pass" else {}),
        }
        for check in checks(report)
    ]
    return json.dumps(told, indent=2) + "\n"


def _fitted(words: str) -> str:
    """Whole, or with a word on what was cut."""
    cut = "\n... (cut: it was longer than a message may be)"
    return words if len(words) <= LONGEST else words[: LONGEST - len(cut)] + cut
