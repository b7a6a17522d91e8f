"""The processes that grade in the background: one that dies is replaced, and what it held is graded."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from queue import Queue

import pytest

from grader.batch import How
from grader.course.workers import Workers
from grader.gradebook import Attempt, Gradebook
from grader.workbook import ROOT

SOLUTION = (ROOT / "solutions" / "exercise1_ecommerce_order.py").read_bytes()
PATIENCE = 120.0
"""Seconds until a test gives up on the machine; nothing waits for them to pass."""


class Room:
    """A gradebook with ada in it, two graders, and their news."""

    def __init__(self, folder: Path, count: int) -> None:
        url = f"sqlite:///{folder}/gradebook.db"
        self.book = Gradebook(url)
        self.book.enrol("ada")
        self.news: Queue[str] = Queue()
        self.workers = Workers(url, How(quick=True), count, self.news.put)

    def hand_in(self, source: bytes = SOLUTION) -> int:
        number = self.book.hand_in("ada", 1, "exercise1_ecommerce_order.py", source).number
        self.workers.wake()
        return number

    def until(self, number: int, state: str) -> Attempt:
        """The attempt, once it is in that state."""
        while (attempt := self.book.attempt(number)).state != state:
            assert self.news.get(timeout=PATIENCE) == "ada"
        return attempt

    def kill(self, number: int, tries: int) -> None:
        """What the machine does to the one who grades it, when it runs out of memory."""
        while not (
            held := [
                worker
                for worker in self.workers._workers
                if worker.holds and (worker.holds.number, worker.holds.tries) == (number, tries)
            ]
        ):
            assert self.news.get(timeout=PATIENCE) == "ada"
        (worker,) = held
        assert worker.process.pid is not None
        os.kill(worker.process.pid, signal.SIGKILL)
        worker.process.join()


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(tmp_path, 1)
    room.workers.start()
    yield room
    if room.workers.alive:
        room.workers.close()
    room.book.close()


def test_what_is_handed_in_is_graded_and_every_step_is_told(room: Room) -> None:
    done = room.until(room.hand_in(), "done")
    assert (done.verdict, done.medal, done.points, done.tries) == ("pass", "silver", 44, 1)
    assert room.workers.progress == {}


def test_one_that_dies_is_replaced_and_what_it_held_is_graded(room: Room) -> None:
    number = room.hand_in()
    room.kill(number, tries=1)
    done = room.until(number, "done")
    assert (done.verdict, done.points, done.tries) == ("pass", 44, 2)
    assert room.workers.alive


def test_what_kills_twice_is_an_error_of_the_graders_and_the_next_is_graded(room: Room) -> None:
    number = room.hand_in()
    room.kill(number, tries=1)
    room.kill(number, tries=2)
    done = room.until(number, "done")
    assert (done.verdict, done.points) == ("grader error", 0)
    assert "died, twice" in room.book.report(number)
    assert room.until(room.hand_in(SOLUTION + b"\n"), "done").verdict == "pass"


def test_when_they_are_closed_what_was_begun_is_free_at_once(room: Room) -> None:
    number = room.hand_in()
    room.until(number, "grading")
    room.workers.close()
    assert not room.workers.alive
    assert room.book.attempt(number).state == "queued"
    claimed = room.book.claim("another", number)
    assert claimed is not None
