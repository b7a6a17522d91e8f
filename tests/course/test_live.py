"""What a learner sees while it happens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from threading import Thread

from grader.course import pages
from tests.course.conftest import Lesson


def test_the_open_page_is_told_each_change_and_no_other_learners(lesson: Lesson) -> None:
    learners = {learner.id: learner for learner in lesson.book.learners()}
    shown: list[str] = []

    def results(id: str) -> str:
        shown.append(id)
        return pages.results(lesson.course, learners[id])

    async def watch() -> list[str]:
        async def now() -> str:
            return results("ada")

        stream = lesson.news.stream("ada", now)
        told = [await event(stream)]
        for change in (
            lambda: lesson.book.hand_in("ada", 1, "exercise1_ecommerce_order.py", b"pass"),
            lambda: lesson.book.claim("me"),
            lambda: lesson.workers.progress.update({1: (40, 200)}),
        ):
            following = asyncio.ensure_future(event(stream))
            await asyncio.sleep(0)
            change()
            lesson.news.tell("bert")
            await asyncio.sleep(0)
            assert not following.done()
            thread = Thread(target=lesson.news.tell, args=["ada"])  # as the one who minds the graders does
            thread.start()
            told.append(await asyncio.wait_for(following, 60))
            thread.join()
        await stream.aclose()
        return told

    first, queued, grading, running = asyncio.run(watch())
    assert "Nothing handed in yet." in first
    assert "waits to be graded" in queued and "being graded" in grading
    assert "40 of 200 scenarios" in running and 'max="200" value="40"' in running


async def event(stream: AsyncIterator[str]) -> str:
    """The next one that tells something."""
    async for line in stream:
        if line.startswith("data: "):
            return str(json.loads(line.removeprefix("data: ")))
    raise AssertionError("the stream ended")


def test_the_report_is_read_as_page_and_as_json(lesson: Lesson) -> None:
    number = lesson.hand_in(lesson.ada)
    assert "It was received, and is not graded yet." in lesson.ada.get(f"/me/attempts/{number}").text
    lesson.grade()
    report = lesson.ada.get(f"/api/attempts/{number}").json()
    assert (report["verdict"], report["points"]) == ("pass", 44)
    page = lesson.ada.get(f"/me/attempts/{number}").text
    assert "44 / 66" in page and "It was received" not in page


def test_health_says_how_much_waits_and_when_nobody_grades(lesson: Lesson) -> None:
    lesson.hand_in(lesson.ada)
    answer = lesson.nobody.get("/health")
    assert (answer.status_code, answer.json()) == (
        503,
        {"status": "nobody grades", "waiting": 1, "workers": 1},
    )
