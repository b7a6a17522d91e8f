"""The teacher's view: roster, deadlines, overrides, regrading, deletion, and the standing as CSV."""

from __future__ import annotations

import csv
import io

import pytest

from grader.gradebook import Deadline
from tests.course.conftest import FILE, NOW, Lesson

DAY = 86_400.0


def rows(text: str) -> list[list[str]]:
    return [*csv.reader(io.StringIO(text))]


def test_a_roster_gives_each_new_learner_a_token_that_works_and_the_others_keep_theirs(
    lesson: Lesson,
) -> None:
    roster = "id,name\nada,Ada King\ncleo,Cleo\n\ndan\n".encode("utf-8-sig")
    answer = lesson.teacher.post("/teacher/roster", files={"file": ("class.csv", roster)})
    head, *told = rows(answer.text)
    assert head == ["id", "name", "token"] and [row[:2] for row in told] == [["cleo", "Cleo"], ["dan", "dan"]]
    assert "attachment" in answer.headers["content-disposition"]
    for id, _, token in told:
        assert lesson.browser(token).get("/api/attempts").json() == []
        found = lesson.book.who(token)
        assert found is not None and found.id == id
    assert "Ada King" in lesson.ada.get("/me").text
    again = lesson.teacher.post("/teacher/roster", files={"file": ("class.csv", roster)})
    assert rows(again.text) == [head], "a token is told once"


@pytest.mark.parametrize(
    ("roster", "words"),
    [
        (b"", "The list is empty"),
        (b"id,name\n", "The list is empty"),
        (b"cleo,Cleo\n,Dan\n", "Line 2 has no id"),
        (b"cleo\ncleo\n", "Line 2 has the id 'cleo' a second time"),
        (b"cleo;Cleo\n\xff;x\n", "not in UTF-8"),
    ],
)
def test_a_bad_roster_enrols_nobody_and_names_the_line(lesson: Lesson, roster: bytes, words: str) -> None:
    answer = lesson.teacher.post("/teacher/roster", files={"file": ("class.csv", roster)})
    assert answer.status_code == 422 and words in answer.json()["problem"]
    assert [learner.id for learner in lesson.book.learners()] == ["ada", "bert"]


def test_semicolons_and_formulas_come_through_a_spreadsheet(lesson: Lesson) -> None:
    roster = b"id;name\ncleo;=1+1\n"
    answer = lesson.teacher.post("/teacher/roster", files={"file": ("class.csv", roster)})
    assert rows(answer.text)[1][:2] == ["cleo", "'=1+1"]
    assert lesson.book.learners()[-1].name == "=1+1"


def test_a_deadline_marks_what_came_after_it_and_an_extension_takes_that_back(lesson: Lesson) -> None:
    lesson.hand_in(lesson.ada)
    lesson.grade(points=40)
    form = {"exercise": "1", "due": "2025-11-23T16:00", "off": "25", "closes": "2025-11-30T16:00"}
    answer = lesson.teacher.post("/teacher/deadline", data=form)
    assert answer.status_code == 303
    assert lesson.book.deadlines() == [Deadline(1, NOW - DAY, 25, NOW + 6 * DAY)]
    page = lesson.ada.get("/me").text
    assert "30 / 66" in page and "1 day late" in page
    lesson.teacher.post("/teacher/deadline", data={**form, "due": "2025-11-24T16:00", "learner": "ada"})
    assert "40 / 66" in lesson.ada.get("/me").text
    assert "1 day late" not in lesson.ada.get("/me").text


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"due": "tomorrow"}, "is no time"),
        ({"exercise": "7"}, "1 to 6"),
        ({"off": "101"}, "0 to 100 %"),
        ({"closes": "2025-01-01T00:00"}, "close before it is due"),
        ({"learner": "eve"}, "no learner 'eve'"),
        ({"off": "ten"}, "Missing, or not what belongs there: off"),
    ],
)
def test_a_deadline_that_cannot_be_changes_nothing(lesson: Lesson, wrong: dict[str, str], words: str) -> None:
    form = {"exercise": "1", "due": "2025-11-23T16:00", "off": "25", **wrong}
    answer = lesson.teacher.post("/teacher/deadline", data=form)
    assert answer.status_code in (404, 422) and words in answer.json()["problem"]
    assert lesson.book.deadlines() == []


def test_an_override_needs_a_reason_which_its_learner_reads(lesson: Lesson) -> None:
    form = {"learner": "ada", "exercise": "1", "points": "60"}
    assert lesson.teacher.post("/teacher/override", data={**form, "reason": " "}).status_code == 422
    assert lesson.teacher.post("/teacher/override", data=form).status_code == 422
    for points in ("-1", "many", "²"):
        wrong = {**form, "points": points, "reason": "oral exam"}
        assert lesson.teacher.post("/teacher/override", data=wrong).status_code == 422
    assert lesson.book.overrides() == []
    assert lesson.teacher.post("/teacher/override", data={**form, "reason": "oral exam"}).status_code == 303
    page = lesson.ada.get("/me").text
    assert "60 / 66" in page and "your teacher decided: oral exam" in page
    assert "oral exam" in lesson.teacher.get("/teacher/learner", params={"id": "ada"}).text
    assert "oral exam" not in lesson.bert.get("/me").text
    lesson.teacher.post("/teacher/override", data={**form, "points": "", "reason": "a mistake"})
    assert "0 / 66" in lesson.ada.get("/me").text


def test_what_is_graded_again_is_queued_and_keeps_its_result(lesson: Lesson) -> None:
    for who in (lesson.ada, lesson.bert):
        lesson.hand_in(who)
        lesson.grade()
    assert lesson.teacher.post("/teacher/regrade", data={"learner": "ada"}).status_code == 303
    assert [x.learner for x in lesson.book.attempts(state="queued")] == ["ada"]
    assert "44 / 66" in lesson.ada.get("/me").text
    lesson.teacher.post("/teacher/regrade", data={"exercise": "1"})
    assert len(lesson.book.attempts(state="queued")) == 2
    assert lesson.teacher.post("/teacher/regrade", data={}).status_code == 422


def test_who_is_deleted_is_gone_with_every_file_and_the_token(lesson: Lesson) -> None:
    lesson.hand_in(lesson.ada, "ada's saga")
    form = {"learner": "ada", "again": "adda"}
    assert lesson.teacher.post("/teacher/forget", data=form).status_code == 422
    assert lesson.ada.get("/me").status_code == 200
    answer = lesson.teacher.post("/teacher/forget", data={**form, "again": "ada"})
    assert answer.status_code == 303 and "1%20attempts" in answer.headers["location"]
    assert lesson.ada.get("/me").status_code == 401
    assert lesson.book.attempts() == []
    assert "ada" not in lesson.teacher.get("/teacher").text.lower()


def test_a_lost_token_is_replaced(lesson: Lesson) -> None:
    answer = lesson.teacher.post("/teacher/token", data={"learner": "ada"})
    ((_, token),) = rows(answer.text)[1:]
    assert lesson.ada.get("/me").status_code == 401
    assert "Ada" in lesson.browser(token).get("/me").text
    assert lesson.teacher.post("/teacher/token", data={"learner": "eve"}).status_code == 404


def test_the_standing_is_a_line_for_each_learner_and_exercise(lesson: Lesson) -> None:
    lesson.hand_in(lesson.ada)
    lesson.grade(points=40)
    lesson.hand_in(lesson.bert, file="exercise2_money_transfer.py")
    lesson.book.set_deadline(Deadline(1, NOW - 1, 10))
    head, *told = rows(lesson.teacher.get("/teacher/standing.csv").text)
    assert [dict(zip(head, row, strict=True)) for row in told] == [
        {
            **{"id": "ada", "name": "Ada Lovelace", "exercise": "1", "counted": "36", "max_points": "66"},
            **{"verdict": "pass", "medal": "silver", "points": "40", "days_late": "1", "attempts": "1"},
            **{"waiting": "0", "override_reason": ""},
        },
        {
            **{"id": "bert", "name": "Bert <b>", "exercise": "2", "counted": "0"},
            **{"max_points": str(lesson.book.attempt(2).max_points), "verdict": "not run", "medal": ""},
            **{"points": "0", "days_late": "0", "attempts": "1", "waiting": "1", "override_reason": ""},
        },
    ]


def test_the_teacher_reads_every_report_and_file(lesson: Lesson) -> None:
    number = lesson.hand_in(lesson.ada, "ada's saga")
    lesson.grade(problem="It defines no order_saga.")
    assert "It defines no order_saga." in lesson.teacher.get(f"/teacher/attempts/{number}").text
    file = lesson.teacher.get(f"/teacher/attempts/{number}/file")
    assert (file.text, file.headers["content-type"]) == ("ada's saga", "application/octet-stream")
    assert FILE in file.headers["content-disposition"]
    assert "Bert &lt;b&gt;" in lesson.teacher.get("/teacher").text
    assert lesson.teacher.get("/teacher/attempts/99").status_code == 404
    assert lesson.teacher.get("/teacher/learner", params={"id": "eve"}).status_code == 404
    for place in ("/", "/sign-in"):
        method, data = ("POST", {"token": lesson.tokens["teacher"]}) if place != "/" else ("GET", None)
        assert lesson.teacher.request(method, place, data=data).headers["location"] == "/teacher"
