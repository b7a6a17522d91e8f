"""Handing in: what is taken is durable at once, and what is not says why."""

from __future__ import annotations

import asyncio
import hashlib

import httpx
import pytest

from grader.course.limits import AT_ONCE, EACH, MOST_BYTES
from grader.gradebook import Deadline
from tests.course.conftest import FILE, NOW, Lesson

DAY = 86_400.0


def test_what_is_handed_in_is_in_the_gradebook_when_the_answer_comes(lesson: Lesson) -> None:
    answer = lesson.ada.post("/api/attempts", params={"file": FILE}, content=b"saga")
    assert answer.status_code == 202
    told = answer.json()
    (attempt,) = lesson.book.attempts("ada")
    assert lesson.book.source(attempt.number) == b"saga"
    assert (told["attempt"], told["exercise"], told["received"]) == (attempt.number, 1, NOW)
    assert told["code"] == hashlib.sha256(b"saga").hexdigest()
    assert told["note"] == ("Exercise 1 · E-commerce order was handed in 2025-11-24 16:00 UTC, as attempt 1.")


def test_200_at_once_are_all_accepted(lesson: Lesson) -> None:
    names = [f"learner{number}" for number in range(200)]
    for name in names:
        lesson.book.enrol(name)
    tokens = {name: lesson.book.issue(name) for name in names}

    async def all_at_once() -> list[int]:
        transport = httpx.ASGITransport(lesson.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://course") as client:
            answers = await asyncio.gather(
                *(
                    client.post(
                        "/api/attempts",
                        params={"file": FILE},
                        content=name.encode(),
                        headers={"Authorization": f"Bearer {token}"},
                    )
                    for name, token in tokens.items()
                )
            )
        return [answer.status_code for answer in answers]

    assert asyncio.run(all_at_once()) == [202] * 200
    kept = {attempt.learner: lesson.book.source(attempt.number) for attempt in lesson.book.attempts()}
    assert kept == {name: name.encode() for name in names}


def test_the_same_file_again_is_the_same_attempt(lesson: Lesson) -> None:
    first = lesson.hand_in(lesson.ada)
    lesson.now += 60
    told = lesson.ada.post("/api/attempts", params={"file": FILE}, content=b"pass").json()
    assert (told["attempt"], told["again"], told["received"]) == (first, True, NOW)
    assert "was handed in 2025-11-24 16:00 UTC already: it stays attempt 1" in told["note"]
    assert len(lesson.book.attempts()) == 1


@pytest.mark.parametrize(
    ("due", "off", "closes", "words"),
    [
        (NOW + 60, 10, None, "It is in time: due 2025-11-24 16:01 UTC."),
        (NOW - 60, 10, None, "It is late, due 2025-11-24 15:59 UTC: 10 % of its points are lost."),
        (NOW - 60, 0, None, "It is late, due 2025-11-24 15:59 UTC: that costs nothing."),
        (NOW - 11 * DAY, 10, None, "100 % of its points are lost"),
        (NOW - 120, 10, NOW - 60, "It was closed 2025-11-24 15:59 UTC, so it counts nothing"),
    ],
)
def test_the_answer_says_whether_it_is_late(
    lesson: Lesson, due: float, off: int, closes: float | None, words: str
) -> None:
    lesson.book.set_deadline(Deadline(1, due, off, closes))
    told = lesson.ada.post("/api/attempts", params={"file": FILE}, content=b"pass").json()
    assert words in told["note"]


@pytest.mark.parametrize(
    ("file", "source", "status", "words"),
    [
        ("saga.txt", b"pass", 422, "saga.txt is neither a .py nor an .ipynb"),
        (FILE, b" \n", 422, "is empty. Did you save it?"),
        ("saga.py", b"pass", 422, "Which exercise is saga.py?"),
        (FILE, b"x" * (MOST_BYTES + 1), 413, "clear the output of all cells"),
        (FILE, b"x" * (2 * MOST_BYTES), 413, "clear the output of all cells"),
    ],
)
def test_what_is_not_taken_says_why_and_leaves_nothing(
    lesson: Lesson, file: str, source: bytes, status: int, words: str
) -> None:
    answer = lesson.ada.post("/api/attempts", params={"file": file}, content=source)
    assert answer.status_code == status and words in answer.json()["problem"]
    assert lesson.book.attempts() == []


def test_a_body_of_unknown_length_is_not_read(lesson: Lesson) -> None:
    request = lesson.ada.build_request("POST", "/api/attempts", params={"file": FILE}, content=b"pass")
    del request.headers["Content-Length"]
    answer = lesson.ada.send(request)
    assert answer.status_code == 411 and lesson.book.attempts() == []


def test_a_name_that_leads_elsewhere_decides_nothing(lesson: Lesson) -> None:
    number = lesson.hand_in(lesson.ada, file="../../etc/exercise2_x.py")
    assert lesson.book.attempt(number).file == "exercise2_money_transfer.py"


def test_who_sends_too_many_is_told_when_to_go_on_and_others_are_not_kept_waiting(lesson: Lesson) -> None:
    for number in range(AT_ONCE):
        lesson.hand_in(lesson.ada, str(number))
    answer = lesson.ada.post("/api/attempts", params={"file": FILE}, content=b"one more")
    assert answer.status_code == 429 and answer.headers["retry-after"] == f"{EACH:.0f}"
    assert "in 20 s" in answer.json()["problem"]
    assert len(lesson.book.attempts("ada")) == AT_ONCE
    lesson.hand_in(lesson.bert)
    lesson.now += EACH
    lesson.hand_in(lesson.ada, "one more")


def test_a_file_is_handed_in_on_the_page_too(lesson: Lesson) -> None:
    answer = lesson.ada.post("/me/hand-in", files={"file": (FILE, b"pass")}, data={"exercise": ""})
    assert (answer.status_code, answer.headers["location"]) == (303, "/me?said=1")
    assert "handed in 2025-11-24 16:00 UTC, as attempt 1." in lesson.ada.get("/me?said=1").text
    chosen = lesson.ada.post("/me/hand-in", files={"file": ("mine.py", b"pass")}, data={"exercise": "3"})
    assert chosen.status_code == 303
    assert lesson.book.attempt(2).exercise == 3
