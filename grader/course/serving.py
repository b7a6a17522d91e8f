"""Serve a course: open its gradebook, bind its address, say how to use it, and end when told to."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import uvicorn

from grader.batch import How
from grader.course import roster
from grader.course.app import application
from grader.course.course import Course
from grader.course.limits import Allowance, Problem
from grader.course.live import News
from grader.course.workers import Workers
from grader.errors import Mendable
from grader.gradebook import Gradebook, issue_teacher

PATIENCE = 3
"""Seconds that open requests have to end, once the server is told to stop."""


class CannotServe(Mendable):
    """The server did not start; the text says what to do."""


def serve(
    url: str,
    host: str,
    port: int,
    how: How,
    workers: int,
    *,
    base: str = "",
    list_of_learners: Path | None = None,
    new_teacher_token: bool = False,
    say: Callable[[str], None],
) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises CannotServe, GradebookError."""
    with _bound(host, port) as bound:
        book = Gradebook(url)
        if list_of_learners is not None:
            _enrol(book, list_of_learners, say)
        token = issue_teacher(book, anew=new_teacher_token)
        news = News()
        course = Course(book, Workers(url, how, workers, news.tell), news, Allowance(), base)
        address = f"http://{_name(host)}:{bound.getsockname()[1]}{base}"
        _introduce(address, token, say)
        config = uvicorn.Config(
            application(course),
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=PATIENCE,
        )
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # what uvicorn does not handle any more
        asyncio.run(uvicorn.Server(config).serve([bound]))
        book.close()


def _bound(host: str, port: int) -> socket.socket:
    """Bound before anything else is done, so that a port in use leaves everything as it was."""
    try:
        family, *_, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(place)
        bound.listen(2048)  # whoever comes before it is ready waits, and is not refused
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            why = f"another program listens on port {port}. Give another one, --port {port + 1}, or stop that"
        elif error.errno in (errno.EACCES, errno.EPERM):
            why = f"only root may listen on port {port}. Give one over 1023, and let a proxy listen there"
        else:
            why = f"this machine has no address {host} ({error.strerror}). Give its own, or 0.0.0.0 for all"
        raise CannotServe(f"The course is not served: {why}.") from None
    return bound


def _enrol(book: Gradebook, path: Path, say: Callable[[str], None]) -> None:
    """Enrol a list; the tokens of who is new go to a file beside it, for the teacher alone."""
    try:
        tokens = roster.enrol(book, roster.read(path.read_bytes()))
    except Problem as problem:
        raise CannotServe(f"{path}: {problem}") from None
    except OSError as error:
        raise CannotServe(f"{path} cannot be read: {error.strerror}.") from None
    count = tokens.count("\n") - 1
    if not count:
        say(f"Roster: everybody in {path.name} was enrolled already.")
        return
    place = path.with_name(f"{path.stem}-tokens.csv")
    number = 2
    while place.exists():
        place, number = path.with_name(f"{path.stem}-tokens-{number}.csv"), number + 1
    with open(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(tokens)
    say(f"Roster: {count} enrolled. Their tokens are in {place}, and nowhere else: hand them out.")


def _introduce(address: str, token: str | None, say: Callable[[str], None]) -> None:
    say(f"The course: {address}")
    if token is not None:
        say(f"The teacher's token, shown this once: {token}")
    else:
        say("The teacher's token is the one that was shown before; lost? --new-teacher-token")
    say(f"Learners hand in with: saga-lab submit FILE --to {address} --token THEIRS")
    say("Ctrl-C or SIGTERM stops; what is not graded by then is graded after the next start.")


def _name(host: str) -> str:
    if host in ("0.0.0.0", "::"):
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host
