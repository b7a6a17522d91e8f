"""Every export of every verdict: it is valid, it says the same points, and the same bytes every time."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from typing import Any
from xml.etree import ElementTree as Tree

import pytest

from grader.exercises import EXERCISES
from grader.exports import classroom, exercism, gradescope, junit, lms, otter
from grader.exports.checks import UNREADABLE, by_medal, checks, legible, total
from grader.exports.lms import Mark
from grader.report import Report
from tests.exports.reports import EVIL, EXERCISE, REPORTS

every_verdict = pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
TEXTS = (gradescope.results, junit.xml, classroom.graded, exercism.results)


def classroom_json(report: Report) -> Any:
    line = classroom.result(report)
    assert re.fullmatch(r"result=[A-Za-z0-9+/=]+\n", line)
    return json.loads(base64.b64decode(line.removeprefix("result=")))


def properties(element: Tree.Element) -> dict[str, str]:
    return {x.attrib["name"]: x.attrib["value"] for x in element.findall("properties/property")}


def test_the_reports_here_cover_every_verdict() -> None:
    assert {report.verdict for report in REPORTS.values()} == {
        *("pass", "fail", "unknown", "not run", "grader error")
    }


@every_verdict
def test_totals_are_equal_in_all_formats(report: Report) -> None:
    points, most = total(checks(report))
    tests = json.loads(gradescope.results(report))["tests"]
    of_gradescope = sum(x["score"] for x in tests), sum(x["max_score"] for x in tests)
    told = classroom_json(report)
    of_classroom = sum(x["score"] for x in told["tests"]), told["max_score"]
    suite = Tree.fromstring(junit.xml(report).encode())[0]
    said = properties(suite)
    of_junit = int(said["points"]), int(said["max_points"])
    cases = [properties(case) for case in suite.findall("testcase")]
    of_cases = sum(int(x["points"]) for x in cases), sum(int(x["max_points"]) for x in cases)
    of_medals = (
        sum(x.points for x in by_medal(checks(report)) if x.earned),
        sum(x.points for x in by_medal(checks(report))),
    )
    assert {of_gradescope, of_classroom, of_junit, of_cases, of_medals} == {(points, most)}
    if report.max_points:
        assert (points, most) == (report.points, report.max_points)


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda x: x.module)
def test_what_an_exercise_is_worth_does_not_hang_on_whether_it_could_be_run(exercise: Any) -> None:
    broken = Report(exercise.number, exercise.title, exercise.module, "not run", problem="no")
    assert total(checks(broken)) == (0, exercise.max_points)
    env: dict[str, Any] = {}
    source = otter.tests(exercise).replace("from otter.test_files import test_case\n", "")
    worth: list[int] = []

    def test_case(name: str, points: int, hidden: bool) -> Any:
        worth.append(points)
        return lambda function: function

    exec(source, env | {"test_case": test_case})
    assert sum(worth) == exercise.max_points
    assert exercise.max_points == int(lms.canvas([]).splitlines()[1].split(",")[4 + exercise.number])


@every_verdict
def test_no_row_has_more_points_than_it_is_worth_and_there_is_one(report: Report) -> None:
    rows = checks(report)
    assert rows
    assert all(0 <= row.points <= row.max_points for row in rows)
    assert {row.verdict for row in rows} <= {"pass", "fail", "unknown", "not run", "grader error"}
    assert all(bool(row.told) == bool(row.fact) == (row.verdict != "pass") for row in rows)


@every_verdict
def test_the_same_report_makes_the_same_bytes_that_anybody_can_read(report: Report) -> None:
    for text in (render(report) for render in TEXTS):
        assert text == legible(text).replace("#x0A", "\n")
        text.encode()
    assert [render(report) for render in TEXTS] == [render(report) for render in TEXTS]


def test_what_a_learner_puts_into_a_message_is_told_and_cannot_break_out() -> None:
    assert UNREADABLE.search(EVIL)
    assert legible(EVIL) == "paid #x1B[31m1 < 2 & #x00 #xD83D ]]> é ✗#x0D\n"
    case = Tree.fromstring(junit.xml(REPORTS["fail"]).encode())[0].findall("testcase")[0]
    failure = case.find("failure")
    assert failure is not None and "1 < 2 & #x00 #xD83D ]]> é ✗" in (failure.text or "")


def test_three_causes_at_most_are_told_at_length() -> None:
    tests = json.loads(gradescope.results(REPORTS["fail"]))["tests"]
    told = [x["output"] for x in tests if "What happened" in x["output"]]
    assert len(told) == 1, "both promises break at the same point of the same run"
    short = next(x["output"] for x in tests if x["name"].startswith("E1-S3"))
    assert "Must hold: failed promises no net charge" in short


def test_marks_for_a_platform_have_one_row_a_learner_and_leave_out_what_is_not_known() -> None:
    marks = [Mark("b2", "Bo", 1, 44), Mark("a1", "=cmd()", 2, 0), Mark("b2", "Bo", 3, None)]
    rows = list(csv.reader(io.StringIO(lms.canvas(marks))))
    assert rows[0][:5] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    assert rows[1][0] == "    Points Possible"
    assert rows[1][5:] == [str(x.max_points) for x in EXERCISES.values()]
    assert rows[2] == ["'=cmd()", "", "a1", "a1", "", "", "0", "", "", "", ""]
    assert rows[3] == ["Bo", "", "b2", "b2", "", "44", "", "", "", "", ""]
    rows = list(csv.reader(io.StringIO(lms.moodle(reversed(marks)))))
    assert rows[0] == ["ID number", "Name", *(x.title for x in EXERCISES.values())]
    assert [row[0] for row in rows[1:]] == ["a1", "b2"]


def test_a_medal_is_a_third_of_a_promise_and_they_are_won_from_below() -> None:
    won = {point.name: point.earned for point in by_medal(checks(REPORTS["fail"]))}
    assert [won[f"E1-S1 {medal}"] for medal in ("bronze", "silver", "gold")] == [True, False, False]
    assert [won[f"E1-S2 {medal}"] for medal in ("bronze", "silver", "gold")] == [True, True, True]
    assert len(won) == EXERCISE.max_points
