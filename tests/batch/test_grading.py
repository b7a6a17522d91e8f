"""Many attempts at once: nothing stops the rest, nothing is lost, and nothing is graded for no reason."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pytest

from grader.batch import How, grade_all, grading, local_processes, stale, take, this_process
from grader.edition import edition
from grader.gradebook import Attempt, Gradebook
from tests.batch.conftest import FIRST, SECOND, Class

QUICK = How(quick=True)


def run(
    book: Gradebook, folder: Path, executor: Callable[[], Executor] | None = None, **more: Any
) -> dict[str, Attempt]:
    """Take a folder and grade what is stale; gives what was ready, by learner and exercise."""
    ready: dict[str, Attempt] = {}
    taken = take(sorted(folder.iterdir()), book, str)
    for attempt in taken.attempts:
        if stale(attempt, quick=True):
            book.regrade(attempt)
    numbers = [attempt.number for attempt in taken.attempts if stale(attempt, quick=True)]
    grade_all(
        numbers,
        book,
        QUICK,
        executor or (lambda: ThreadPoolExecutor(2)),
        2,
        **{
            "ready": lambda attempt: ready.setdefault(f"{attempt.learner} {attempt.exercise}", attempt),
            "grader": "me",
            **more,
        },
    )
    return ready


def test_each_result_is_kept_with_what_made_it(
    a_class: Class, book: Gradebook, quick_grader: list[str]
) -> None:
    ready = run(book, a_class(ada={FIRST: "10", SECOND: "20"}, bert={FIRST: "30"}))
    assert {key: attempt.points for key, attempt in ready.items()} == {"ada 1": 10, "ada 2": 20, "bert 1": 30}
    assert book.attempts() == [ready["ada 1"], ready["ada 2"], ready["bert 1"]]
    assert {(attempt.state, attempt.edition) for attempt in book.attempts()} == {("done", edition(True))}


def test_only_what_is_new_or_changed_is_graded_again(
    a_class: Class, book: Gradebook, quick_grader: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = a_class(ada={FIRST: "10", SECOND: "20"})
    run(book, folder)
    (folder / "ada" / SECOND).write_text("21")
    assert [*run(book, folder)] == ["ada 2"]
    assert run(book, folder) == {}
    assert sorted(quick_grader) == ["10", "20", "21"]
    assert [attempt.points for attempt in book.attempts()] == [10, 20, 21]
    for module in (grading, __import__("grader.batch.taking", fromlist=["edition"])):
        monkeypatch.setattr(module, "edition", lambda quick: "newer")
    assert [*run(book, folder)] == ["ada 1", "ada 2"]


def test_what_was_graded_with_pairs_need_not_be_graded_without(
    a_class: Class, book: Gradebook, quick_grader: list[str]
) -> None:
    (attempt,) = take([a_class(ada={FIRST: "10"}) / "ada"], book, str).attempts
    grade_all([attempt.number], book, How(), lambda: ThreadPoolExecutor(1), 1, ready=print, grader="me")
    full = book.attempt(attempt.number)
    assert not stale(full, quick=True) and not stale(full, quick=False)
    assert stale(run(book, a_class(bert={FIRST: "10"}))["bert 1"], quick=False)


def test_an_error_of_the_grader_is_told_as_such_stops_nothing_and_is_tried_again(
    a_class: Class, book: Gradebook, quick_grader: list[str]
) -> None:
    folder = a_class(ada={FIRST: "boom"}, bert={FIRST: "30"})
    ready = run(book, folder)
    assert [ready[key].verdict for key in ("ada 1", "bert 1")] == ["grader error", "pass"]
    assert "ZeroDivisionError: boom" in book.report(ready["ada 1"].number)
    assert ready["ada 1"].max_points == 66
    assert [*run(book, folder)] == ["ada 1"]


def test_a_worker_with_another_grader_says_so(
    a_class: Class, book: Gradebook, quick_grader: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = a_class(ada={FIRST: "10"})
    answers = iter(["mine", "theirs"])
    monkeypatch.setattr(grading, "edition", lambda quick: next(answers))
    (attempt,) = run(book, folder).values()
    told = book.report(attempt.number)
    assert attempt.verdict == "grader error" and "install the same on every machine" in told


# ---- processes that die


class Mortal(Executor):
    """Breaks, as a pool of processes does, whenever it meets a file that kills."""

    def __init__(self) -> None:
        self.broken = False

    def submit(self, work: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future = Future[Any]()
        if self.broken or b"deadly" in work.args[2]:
            self.broken = True
            future.set_exception(BrokenProcessPool())
        else:
            future.set_result(work())
        return future


def test_a_file_that_kills_its_process_is_found_out_and_the_others_are_graded(
    a_class: Class, book: Gradebook, quick_grader: list[str]
) -> None:
    folder = a_class(ada={FIRST: "10"}, bert={FIRST: "deadly"}, carol={FIRST: "30"}, dave={FIRST: "40"})
    made: list[Mortal] = []

    def make() -> Mortal:
        made.append(Mortal())
        return made[-1]

    ready = run(book, folder, make)
    verdicts = {key: attempt.verdict for key, attempt in ready.items()}
    assert verdicts == {"ada 1": "pass", "bert 1": "grader error", "carol 1": "pass", "dave 1": "pass"}
    assert "the process that graded it died, twice" in book.report(ready["bert 1"].number)
    assert sorted(quick_grader) == ["10", "30", "40"]
    assert len(made) == 3, "at first; for bert alone; and for the rest"


class Flaky(Executor):
    """Refuses all work, as a pool does whose process died while it was idle."""

    def submit(self, work: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        raise BrokenProcessPool


def test_a_pool_that_broke_by_itself_is_replaced(
    a_class: Class, book: Gradebook, quick_grader: list[str]
) -> None:
    pools = iter([Flaky(), ThreadPoolExecutor(1), ThreadPoolExecutor(1)])
    ready = run(book, a_class(ada={FIRST: "10"}), lambda: next(pools))
    assert ready["ada 1"].points == 10


def test_a_real_process_that_is_killed_is_replaced_and_its_work_done(a_class: Class, book: Gradebook) -> None:
    solution = Path(__file__).parents[2] / "exercises" / FIRST
    pools = []

    def make() -> Executor:
        pools.append(local_processes(2))
        if len(pools) == 1:
            pools[0].submit(os.kill, 0, 0).result()  # its processes are there
            pools[0].submit(_die)
        return pools[-1]

    ready = run(book, a_class(ada={FIRST: solution.read_text()}), make)
    assert ready["ada 1"].verdict == "fail" and len(pools) > 1


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


# ---- several graders


def test_two_graders_share_a_class_and_grade_nothing_twice(
    a_class: Class, book: Gradebook, quick_grader: list[str], tmp_path: Path
) -> None:
    learners = {f"learner{number}": {FIRST: str(number)} for number in range(20)}
    folder = a_class(**learners)
    other = Gradebook(f"sqlite:///{tmp_path}/gradebook.db")
    with ThreadPoolExecutor(2) as threads:
        both = [
            threads.submit(run, one, folder, grader=name, pause=lambda seconds: None)
            for one, name in ((book, "me"), (other, "you"))
        ]
    mine, yours = (one.result() for one in both)
    assert sorted(map(int, quick_grader)) == list(range(20))
    graded = book.attempts()
    assert len(graded) == 20 and {attempt.tries for attempt in graded} == {1}
    assert {*mine.values(), *yours.values()} == {*graded}


def test_what_another_grader_holds_is_waited_for(
    a_class: Class, book: Gradebook, quick_grader: list[str]
) -> None:
    folder = a_class(ada={FIRST: "10"}, bert={FIRST: "20"})
    taken = take(sorted(folder.iterdir()), book, str)
    held = [book.claim("other", attempt.number) for attempt in taken.attempts]
    pauses = 0

    def pause(seconds: float) -> None:
        nonlocal pauses
        pauses += 1
        if pauses == 2:
            assert held[0] is not None
            report, took = grading.graded(1, FIRST, b"11", QUICK, edition(True))
            book.settle(held[0], report, edition(True), took)
        if pauses == 3:
            book.release("other")  # as when its lease is over

    ready = run(book, folder, pause=pause)
    assert (ready["ada 1"].points, ready["ada 1"].grader) == (11, "other")
    assert (ready["bert 1"].points, ready["bert 1"].grader) == (20, "me")
    assert pauses == 3


def test_what_a_dead_process_of_this_machine_held_is_not_waited_for(
    a_class: Class, book: Gradebook, quick_grader: list[str]
) -> None:
    folder = a_class(ada={FIRST: "10"}, bert={FIRST: "20"})
    ada, bert = take(sorted(folder.iterdir()), book, str).attempts
    with ProcessPoolExecutor(1, multiprocessing.get_context("forkserver")) as pool:
        dead = pool.submit(this_process).result()
    book.claim(dead, ada.number)
    book.claim(this_process(), bert.number)
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            book.release(book.attempt(bert.number).grader)
        else:
            assert book.attempt(bert.number).state == "grading", "it lives"

    ready = run(book, folder, pause=pause)
    assert [attempt.grader for attempt in ready.values()] == ["me", "me"] and len(pauses) == 3


def test_a_lease_that_was_lost_lets_the_other_result_count(
    a_class: Class, book: Gradebook, quick_grader: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settle = book.settle

    def late(attempt: Attempt, *result: Any) -> bool:
        monkeypatch.setattr(book, "settle", settle)
        book.release("me")
        heir = book.claim("heir", attempt.number)
        assert heir is not None and settle(heir, *result)
        return settle(attempt, *result)

    monkeypatch.setattr(book, "settle", late)
    assert run(book, a_class(ada={FIRST: "10"}))["ada 1"].grader == "heir"


def test_who_stops_a_batch_leaves_the_rest_to_the_next(
    a_class: Class, book: Gradebook, quick_grader: list[str]
) -> None:
    folder = a_class(**{f"learner{number}": {FIRST: str(number)} for number in range(10)})
    kept: list[Attempt] = []

    def stop(attempt: Attempt) -> None:
        kept.append(attempt)
        if len(kept) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(book, folder, ready=stop)
    states = [attempt.state for attempt in book.attempts()]
    assert states.count("done") >= 3 and "grading" not in states and "queued" in states
    ready = run(book, folder)
    assert len(ready) == states.count("queued")
    assert [attempt.points for attempt in book.attempts()] == list(range(10))
