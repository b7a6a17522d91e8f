"""The course in a real browser: a learner signs in and sees a result come; no page is wider than a phone."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
import uvicorn
from playwright.sync_api import Browser

from grader.workbook import ROOT
from tests.course.conftest import FILE, Lesson
from tools.look import chromium, listen

PICTURES = ROOT / "build" / "screenshots"
SIZES = {"wide": (1200, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Lesson, str]]:
    """A course on a port of this machine, with nobody who grades by himself."""
    lesson = Lesson(tmp_path)
    monkeypatch.setattr(lesson.workers, "start", lambda: None)
    monkeypatch.setattr(lesson.workers, "close", lambda: None)
    with socket.create_server(("127.0.0.1", 0)) as bound:
        config = uvicorn.Config(lesson.app, log_level="warning", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = Thread(target=lambda: asyncio.run(server.serve([bound])))
        thread.start()
        yield lesson, f"http://127.0.0.1:{bound.getsockname()[1]}"
        server.should_exit = True
        thread.join()
    lesson.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_a_result_comes_to_the_open_page(
    served: tuple[Lesson, str], browser: Browser, theme: str, size: str
) -> None:
    lesson, address = served
    width, height = SIZES[size]
    look = {"color_scheme": theme, "viewport": {"width": width, "height": height}}
    page = browser.new_page(**look)
    problems: list[str] = []
    listen(page, problems)
    for who, place in (("ada", "/me"), ("teacher", "/teacher")):
        page.goto(address)
        page.fill("[name=token]", lesson.tokens[who])
        page.click("text=Sign in")
        page.wait_for_url(f"{address}{place}")
        if who == "ada":
            lesson.book.hand_in("ada", 1, FILE, b"pass")
            lesson.news.tell("ada")
            page.wait_for_selector("text=1 attempt")
            page.click("text=1 attempt")
            page.wait_for_selector("text=waits to be graded")
            lesson.grade()
            lesson.news.tell("ada")
            page.wait_for_selector(".verdict.pass")
            assert page.is_visible("text=44 / 66"), "what was open stays open"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.screenshot(path=PICTURES / f"course-{who}-{theme}-{size}.png", full_page=True)
        page.click("text=Sign out")
    page.close()
    assert problems == []
