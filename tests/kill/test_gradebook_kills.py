"""Graders and learners killed at any moment: all that was acknowledged is there, and all is graded once."""

from __future__ import annotations

import csv
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from grader.gradebook import Gradebook
from tests.kill.grader import main, points_of
from tests.kill.test_kills import PATIENCE, SECONDS

ROOT = Path(__file__).parents[2]
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.kill.grader"])  # or they die before they have begun


class Place:
    """For a process of a class: whenever one is killed, another begins, under another name."""

    def __init__(self, work: str, url: str, log: Path) -> None:
        self._work, self._url, self._log = work, url, log
        self.kills = 0
        self._begin()

    def _begin(self) -> None:
        words = (self._work, self._url, str(self._log), f"{self._log.stem}.{self.kills}")
        self._process = PROCESSES.Process(target=main, args=words)
        self._process.start()

    def kill(self) -> None:
        """SIGKILL, and the next one."""
        self.end()
        self.kills += 1
        self._begin()

    def end(self) -> None:
        """SIGKILL, for good. A process that ended by itself has failed."""
        assert self._process.is_alive(), "a process ended by itself: see its traceback above"
        self._process.kill()
        self._process.join()

    def acknowledged(self) -> list[list[str]]:
        return [line.split() for line in self._log.read_text().splitlines()] if self._log.exists() else []


def test_kills_lose_no_attempt_and_grade_none_twice(
    journal_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dice = random.Random(11)
    book = Gradebook(journal_url)
    learners = [Place("hand-in", journal_url, tmp_path / f"learners{number}") for number in range(2)]
    graders = [Place("grade", journal_url, tmp_path / f"grader{number}") for number in range(2)]
    try:
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            time.sleep(dice.uniform(0.05, 2 * SECONDS / 10))
            dice.choice([*learners, *graders]).kill()
    finally:
        for place in learners:
            place.end()
    until = time.monotonic() + PATIENCE
    try:
        while {attempt.state for attempt in book.attempts()} != {"done"}:
            assert time.monotonic() < until, "the graders did not come to an end"
            time.sleep(0.2)
    finally:
        for place in graders:
            place.end()
    attempts = {attempt.number: attempt for attempt in book.attempts()}
    handed_in = [line for place in learners for line in place.acknowledged()]
    settled = Counter(int(line[0]) for place in graders for line in place.acknowledged())
    kills = sum(place.kills + 1 for place in [*learners, *graders])
    again = sum(attempt.tries - 1 for attempt in attempts.values())
    with capsys.disabled():
        print(f"\n{kills} kills, {len(attempts)} attempts, {again} gradings lost and made again")
    assert len(handed_in) > 5 and kills > 5
    for number, *source in handed_in:
        assert book.source(int(number)) == " ".join(source).encode()
    assert len({number for number, *_ in handed_in}) == len(handed_in)
    assert len(attempts) - len(handed_in) <= sum(place.kills + 1 for place in learners), "one reply a kill"
    for number, attempt in attempts.items():
        assert attempt.points == points_of(book.source(number))
    assert set(settled.values()) == {1} and set(settled) <= set(attempts)
    assert len(attempts) - len(settled) <= sum(place.kills + 1 for place in graders), "one log line a kill"
    assert again <= sum(place.kills + 1 for place in graders), "a kill loses the running grading at most"
    book.close()


def test_a_batch_that_is_killed_goes_on_and_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    for number, learner in enumerate(["ada", "bert"]):
        (tmp_path / "class" / learner).mkdir(parents=True)
        for exercise in (1, 2):
            folder = ROOT / ("exercises" if (number + exercise) % 2 else "solutions")
            (source,) = folder.glob(f"exercise{exercise}_*.py")
            shutil.copy(source, tmp_path / "class" / learner)

    def grade_all(name: str) -> subprocess.Popen[str]:
        words = ["class", "--quick", "--workers", "2", "--csv", f"{name}.csv", "--json-dir", name]
        command = [Path(sys.executable).with_name("saga-lab"), "grade-all", *words]
        where = ["--gradebook", f"sqlite:///{name}.db"]
        return subprocess.Popen([*command, *where], cwd=tmp_path, text=True, stdout=subprocess.PIPE)

    def graded() -> int:
        path = tmp_path / "killed.csv"
        rows = csv.DictReader(path.read_text().splitlines()) if path.exists() else []
        return sum(row["edition"] != "" for row in rows)

    until, seen = time.monotonic() + PATIENCE, 0
    while seen < 2:
        batch = grade_all("killed")
        group = {batch.pid}
        while batch.poll() is None and graded() <= seen:
            assert time.monotonic() < until
            group |= _family(batch.pid)
            time.sleep(0.05)
        batch.kill()
        batch.communicate()
        seen = graded()
        while any(_alive(process) for process in group):
            assert time.monotonic() < until, "what it started outlives it"
            time.sleep(0.05)
    last = grade_all("killed")
    told = last.communicate()[0]
    assert last.returncode == 0 and f" {4 - seen} graded" in told
    assert grade_all("whole").wait() == 0

    def written(name: str) -> dict[str, bytes]:
        reports = (tmp_path / name).rglob("*.json")
        return {str(path.relative_to(tmp_path / name)): path.read_bytes() for path in reports}

    assert written("killed") == written("whole") and len(written("whole")) == 4
    assert (tmp_path / "killed.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def _family(process: int) -> set[int]:
    """The processes that a process started, and those that they did."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return set()
    return {int(child) for child in children}.union(*(_family(int(child)) for child in children))


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return " Z " not in Path(f"/proc/{process}/stat").read_text()
