"""A small class on a course server in this process, by a clock that stands still; nobody grades by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from grader import Report
from grader.batch import How
from grader.course.app import application
from grader.course.course import Course
from grader.course.limits import Allowance
from grader.course.live import News
from grader.course.workers import Workers
from grader.gradebook import Attempt, Gradebook, issue_teacher

NOW = 1_764_000_000.0
FILE = "exercise1_ecommerce_order.py"


class Within(httpx.BaseTransport):
    """To the server in this process, without a network."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        async def answered() -> httpx.Response:
            answer = await httpx.ASGITransport(self._app).handle_async_request(request)
            return httpx.Response(answer.status_code, headers=answer.headers, content=await answer.aread())

        return asyncio.run(answered())


class Lesson:
    """A course with ada and bert in it, and a browser for each of them, for the teacher, and for nobody."""

    def __init__(self, folder: Path, base: str = "") -> None:
        self.now = NOW
        url = f"sqlite:///{folder}/gradebook.db"
        self.book = Gradebook(url, now=lambda: self.now)
        self.news = News()
        self.workers = Workers(url, How(quick=True), 1, self.news.tell)
        self.course = Course(self.book, self.workers, self.news, Allowance(lambda: self.now), base)
        self.app: FastAPI = application(self.course)
        self.tokens = {}
        for id, name in (("ada", "Ada Lovelace"), ("bert", "Bert <b>")):
            self.book.enrol(id, name)
            self.tokens[id] = self.book.issue(id)
        self.tokens["teacher"] = issue_teacher(self.book) or ""
        self.ada, self.bert, self.teacher = (self.browser(self.tokens[who]) for who in self.tokens)
        self.nobody = self.browser("")

    def close(self) -> None:
        self.book.close()
        self.workers._book.close()

    def browser(self, token: str) -> httpx.Client:
        """One that sends this token."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(transport=Within(self.app), base_url="http://course", headers=headers)

    def hand_in(self, who: httpx.Client, source: str = "pass", file: str = FILE) -> int:
        """Its number."""
        answer = who.post("/api/attempts", params={"file": file}, content=source.encode())
        assert answer.status_code == 202, answer.text
        return int(answer.json()["attempt"])

    def grade(self, points: int = 44, problem: str = "") -> Attempt:
        """Grade what is next."""
        claimed = self.book.claim("me")
        assert claimed is not None
        verdict = "not run" if problem else "pass"
        told = Report(
            claimed.exercise,
            "",
            claimed.file,
            verdict,
            "silver",
            points=points,
            max_points=66,
            problem=problem,
        )
        assert self.book.settle(claimed, told, "1, singles", 0.5)
        return self.book.attempt(claimed.number)


@pytest.fixture
def lesson(tmp_path: Path) -> Iterator[Lesson]:
    lesson = Lesson(tmp_path)
    yield lesson
    lesson.close()
