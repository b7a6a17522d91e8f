"""Grade many attempts at once, in any executor; no submission, and no death of a process, stops the rest."""

from __future__ import annotations

import multiprocessing
import os
import secrets
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from functools import partial
from multiprocessing.connection import wait as ended
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

from msgspec import Struct

from grader.edition import edition
from grader.exercises import EXERCISES
from grader.gradebook import Attempt, Gradebook
from grader.judge import Progress, grade
from grader.process import GraderError
from grader.report import Report, Verdict, without_runs
from grader.sandbox import best

GRADER_ERROR: Verdict = "grader error"
Ready = Callable[[Attempt], None]


class How(Struct, frozen=True):
    """How to grade: single faults only, or pairs too; and whether a sandbox is a must."""

    quick: bool = False
    require_sandbox: bool = False


def grade_all(
    numbers: Iterable[int],
    book: Gradebook,
    how: How,
    executor: Callable[[], Executor],
    at_once: int,
    *,
    ready: Ready,
    grader: str,
    pause: Callable[[float], object] = time.sleep,
) -> None:
    """Grade attempts of a gradebook, `at_once` at a time; `ready` is told of each when its result is kept.

    `executor` makes one, and another when a dead process broke it: then what ran is tried again alone, so
    that the death is the one submission's that causes it. Other graders may work on the same gradebook:
    what one of them holds is waited for, and graded here when that one dies. `grader`: a name that no
    other process has, such as `this_process()`.
    """
    batch = _Batch(book, how, executor, at_once, ready, grader, pause)
    try:
        batch.run(numbers)
    finally:
        batch.close()


def graded(
    exercise: int, file: str, source: bytes, how: How, wanted: str, progress: Progress | None = None
) -> tuple[Report, float]:
    """Grade one file, in whatever process and on whatever machine; gives the seconds that it took too."""
    began = time.perf_counter()
    try:
        if (here := edition(how.quick)) != wanted:
            raise GraderError(
                f"the process that grades has Saga Lab {here}, and the one that asked {wanted}: install the "
                "same on every machine"
            )
        with TemporaryDirectory(prefix="saga-lab-") as folder:
            path = Path(folder, file)
            path.write_bytes(source)
            sandbox = best(how.require_sandbox)
            told = grade(exercise, path, quick=how.quick, progress=progress, sandbox=sandbox, patient=True)
            report = without_runs(told)
    except Exception as error:  # noqa: BLE001 - a grader's error is never the learner's failure
        report = grader_error(exercise, file, error)
    return report, time.perf_counter() - began


def grader_error(exercise: int, file: str, error: BaseException) -> Report:
    """The report that says nothing about the submission."""
    told = f"{type(error).__name__}: {error}" if not isinstance(error, GraderError) else str(error)
    return Report(exercise, EXERCISES[exercise].title, file, GRADER_ERROR, problem=told)


def local_processes(workers: int) -> Executor:
    """Processes of this machine, forked from a clean one, that end when this one does."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return ProcessPoolExecutor(workers, context, end_with_parent)


def this_process() -> str:
    """A name for the grader in this process, by which another one knows whether it is still there."""
    return f"{socket.gethostname()} {os.getpid()} {secrets.token_hex(4)}"


def _is_dead(grader: str) -> bool:
    """A process of this machine that is gone; of one elsewhere, or that has another's number now, False."""
    host, _, rest = grader.partition(" ")
    number = rest.partition(" ")[0]
    if host != socket.gethostname() or not number.isdigit():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # it lives, as another user's
    return False


def end_with_parent() -> None:
    """Or the workers of a grader that was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch(sentinel: int) -> None:
        ended([sentinel])
        os._exit(1)

    Thread(target=watch, args=(parent.sentinel,), daemon=True).start()


class _Batch:
    def __init__(
        self,
        book: Gradebook,
        how: How,
        executor: Callable[[], Executor],
        at_once: int,
        ready: Ready,
        grader: str,
        pause: Callable[[float], object],
    ) -> None:
        self._book = book
        self._how = how
        self._edition = edition(how.quick)
        self._make = executor
        self._executor = executor()
        self._at_once = at_once
        self._ready = ready
        self._grader = grader
        self._pause = pause
        self._waiting: deque[int] = deque()
        self._elsewhere: deque[int] = deque()
        self._running: dict[Future[tuple[Report, float]], Attempt] = {}
        self._renewed = time.monotonic()

    def run(self, numbers: Iterable[int]) -> None:
        self._waiting.extend(numbers)
        while self._waiting or self._running or self._elsewhere:
            while self._waiting and len(self._running) < self._at_once:
                self._begin(self._waiting.popleft())
            if self._running:
                self._collect()
            elif self._elsewhere:
                self._waiting, self._elsewhere = self._elsewhere, self._waiting
                self._pause(1)

    def close(self) -> None:
        """Begin nothing more; what was begun and is not kept is for others."""
        for future in self._running:
            future.cancel()
        self._executor.shutdown(wait=not self._running)
        self._book.release(self._grader)

    def _begin(self, number: int) -> None:
        attempt = self._book.claim(self._grader, number)
        if attempt is not None:
            self._running[self._submitted(attempt)] = attempt
        elif (attempt := self._book.attempt(number)).state == "done":
            self._ready(attempt)  # another grader was quicker
        else:
            if attempt.state == "grading" and _is_dead(attempt.grader):
                self._book.release(attempt.grader)
            self._elsewhere.append(number)

    def _submitted(self, attempt: Attempt) -> Future[tuple[Report, float]]:
        source = self._book.source(attempt.number)
        work = partial(graded, attempt.exercise, attempt.file, source, self._how, self._edition)
        try:
            return self._executor.submit(work)
        except BrokenExecutor as error:  # it broke just now
            future = Future[tuple[Report, float]]()
            future.set_exception(error)
            return future

    def _collect(self) -> None:
        """Keep what is ready; wait for it as long as the leases allow."""
        done, _ = wait(self._running, timeout=self._book.lease / 3, return_when=FIRST_COMPLETED)
        broken = False
        for future in done:
            if isinstance(future.exception(), BrokenExecutor):
                broken = True
            else:
                self._settle(self._running.pop(future), future)
        if broken:
            suspects = [*self._running.values()]
            self._running.clear()
            for attempt in suspects:
                self._alone(attempt)
            self._renew_executor()
        if time.monotonic() - self._renewed > self._book.lease / 4:
            self._renew()

    def _alone(self, attempt: Attempt) -> None:
        """Try again what may have killed a process, with nothing beside it that it could be blamed for."""
        self._renew_executor()
        future = self._submitted(attempt)
        while not future.done():
            wait([future], timeout=self._book.lease / 3)
            self._renew()
        self._settle(attempt, future)

    def _renew(self) -> None:
        self._book.renew(self._grader)
        self._renewed = time.monotonic()

    def _renew_executor(self) -> None:
        self._executor.shutdown(wait=False)
        self._executor = self._make()

    def _settle(self, attempt: Attempt, future: Future[tuple[Report, float]]) -> None:
        error = future.exception()
        if error is None:
            report, seconds = future.result()
        else:
            died = isinstance(error, BrokenExecutor)
            told = GraderError("the process that graded it died, twice: out of memory, or killed")
            report, seconds = grader_error(attempt.exercise, attempt.file, told if died else error), 0.0
        if self._book.settle(attempt, report, self._edition, seconds):
            self._ready(self._book.attempt(attempt.number))
        else:
            self._waiting.append(attempt.number)  # the lease was lost: the other's result counts
