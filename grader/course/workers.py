"""Grading in the background: a few processes that lease attempts from the gradebook, and who minds them."""

from __future__ import annotations

import multiprocessing
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from threading import Event, Thread
from typing import Any

from grader.batch import How, end_with_parent, graded, grader_error, this_process
from grader.edition import edition
from grader.gradebook import Attempt, Gradebook, GradebookError
from grader.process import GraderError

LOOK = 5.0
"""Seconds after which an idle worker looks by itself for what others left: an expired lease, a regrade."""
AT_MOST = 2
"""So often may an attempt end the process that grades it."""
_OFTEN = 0.5


@dataclass
class _Worker:
    process: ForkServerProcess
    line: Connection
    grader: str
    began: float
    holds: Attempt | None = None


class Workers:
    """So many processes that grade what stands in a gradebook; one that dies is replaced.

    Its attempt is free again at once, and a server that dies with all of them leaves nothing behind but
    leases, which end. `told` is called, in a thread of its own, with a learner for whom something changed.
    `progress` holds how far each attempt is, by number: scenarios that ran, and that are known.
    """

    def __init__(self, url: str, how: How, count: int, told: Callable[[str], None]) -> None:
        self.progress: dict[int, tuple[int, int]] = {}
        self.count = count
        self._url = url
        self._how = how
        self._told = told
        self._book = Gradebook(url)
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([__name__])
        self._deaths: dict[int, int] = {}
        self._workers: list[_Worker] = []
        self._ending = Event()
        self._ears, self._mouth = multiprocessing.Pipe(duplex=False)
        self._minder = Thread(target=self._mind, name="minds the graders", daemon=True)

    def start(self) -> None:
        """Begin to grade."""
        self._workers = [self._begin() for _ in range(self.count)]
        self._minder.start()

    def close(self) -> None:
        """Begin nothing more; what was begun is queued again."""
        self._ending.set()
        self.wake()
        self._minder.join()
        for worker in self._workers:
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join(3)
            worker.process.kill()
            self._book.release(worker.grader)
        self._book.close()

    def wake(self) -> None:
        """There is something to grade."""
        self._mouth.send_bytes(b"")

    @property
    def alive(self) -> bool:
        """Are they minded, and so grading, or soon again?"""
        return self._minder.is_alive()

    def _begin(self) -> _Worker:
        grader = this_process()
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_grade_on, args=(theirs, self._url, self._how, grader))
        process.start()
        theirs.close()
        return _Worker(process, ours, grader, time.monotonic())

    def _mind(self) -> None:
        while not self._ending.is_set():
            for ready in wait([self._ears, *(worker.line for worker in self._workers)]):
                if ready is self._ears:
                    self._ears.recv_bytes()
                    for worker in self._workers:
                        _say(worker.line, None)
                else:
                    place = next(n for n, worker in enumerate(self._workers) if worker.line is ready)
                    self._hear(place)

    def _hear(self, place: int) -> None:
        worker = self._workers[place]
        try:
            said = worker.line.recv()
        except (EOFError, OSError):
            self._died(worker)
            if time.monotonic() - worker.began < 1:  # a second one would hardly fare better just now
                self._ending.wait(1)
            self._workers[place] = self._begin()
            return
        if isinstance(said, Attempt):
            worker.holds = said
        elif worker.holds is not None and said is None:
            self._deaths.pop(worker.holds.number, None)
            self._let_go(worker)
        elif worker.holds is not None:
            self.progress[worker.holds.number] = said
        if worker.holds is not None:
            self._told(worker.holds.learner)

    def _let_go(self, worker: _Worker) -> None:
        if worker.holds is not None:
            self.progress.pop(worker.holds.number, None)
            self._told(worker.holds.learner)
            worker.holds = None

    def _died(self, worker: _Worker) -> None:
        """What it held is tried once more, for it may have been killed from outside."""
        worker.process.join()
        worker.line.close()
        try:
            if (attempt := worker.holds) is not None:
                deaths = self._deaths[attempt.number] = self._deaths.get(attempt.number, 0) + 1
                if deaths >= AT_MOST:
                    error = GraderError("the process that graded it died, twice: out of memory, or killed")
                    report = grader_error(attempt.exercise, attempt.file, error)
                    self._book.settle(attempt, report, edition(self._how.quick), 0.0)
            self._book.release(worker.grader)
        except GradebookError as error:
            print(f"An attempt is free only when its lease ends: {error}", file=sys.stderr, flush=True)
        self._let_go(worker)


# ---- in the worker's process


def _grade_on(line: Connection, url: str, how: How, grader: str) -> None:
    """Grade whatever is free, until the server goes away or says so."""
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's to hear
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    book = Gradebook(url)
    while True:
        try:
            attempt = book.claim(grader)
            if attempt is None:
                if line.poll(LOOK):
                    line.recv()
                continue
            _say(line, attempt)
            _grade_one(attempt, book, how, line)
        except GradebookError as error:
            print(f"A grader waits: {error}", file=sys.stderr, flush=True)
            line.poll(LOOK)
        _say(line, None)


def _grade_one(attempt: Attempt, book: Gradebook, how: How, line: Connection) -> None:
    wanted = edition(how.quick)
    done = Event()
    keeper = Thread(target=_renewing, args=(book, attempt.grader, done), daemon=True)
    keeper.start()
    try:
        source = book.source(attempt.number)
        progress = _telling(line)
        report, seconds = graded(attempt.exercise, attempt.file, source, how, wanted, progress)
    finally:
        done.set()
        keeper.join()
    book.settle(attempt, report, wanted, seconds)


def _renewing(book: Gradebook, grader: str, done: Event) -> None:
    while not done.wait(book.lease / 3):
        try:
            book.renew(grader)
        except GradebookError as error:
            print(f"A lease was not renewed: {error}", file=sys.stderr, flush=True)


def _telling(line: Connection) -> Callable[[int, int], None]:
    """Tell how far it is, a few times a second."""
    last = [0.0]

    def progress(ran: int, known: int) -> None:
        now = time.monotonic()
        if now - last[0] > _OFTEN:
            last[0] = now
            _say(line, (ran, known))

    return progress


def _say(line: Connection, said: Any) -> None:
    try:
        line.send(said)
    except OSError:  # the other end is gone; who minds it sees to it
        return
