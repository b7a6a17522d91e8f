"""What every command says alike: errors that a user can mend, and how far it is."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from grader import workbook
from grader.errors import Mendable
from grader.exercises import EXERCISES, named
from grader.judge import grade
from grader.process import GraderError
from grader.report import Report
from grader.sandbox import NoSandbox, Sandbox
from grader.submission import CannotRun
from saga_lab.sim import BadToken

FILE = click.Path(path_type=Path)
EXERCISE = click.option(
    "--exercise", "-e", type=int, help="The exercise's number, if the file's name does not say."
)
GRADEBOOK = click.option(
    "--gradebook",
    metavar="URL",
    default="sqlite:///gradebook.db",
    show_default=True,
    help="Where every attempt is kept.",
)


@contextmanager
def plainly() -> Iterator[None]:
    """What a user can mend is said in words, with exit code 2; no traceback. What not, with 3."""
    try:
        yield
    except (CannotRun, BadToken, workbook.Refusal, Mendable) as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    except NoSandbox as error:
        click.echo(str(error), err=True)
        sys.exit(3)
    except GraderError as error:
        click.echo(f"The grader itself failed, which says nothing about your saga: {error}", err=True)
        sys.exit(3)


def graded(
    exercise: int | None,
    file: Path,
    *,
    quick: bool,
    progress: Bar,
    sandbox: Sandbox | None = None,
    patient: bool = False,
) -> Report:
    """The report of a file, whatever happens; an error of the grader's own is never the learner's failure."""
    try:
        return grade(exercise, file, quick=quick, progress=progress, sandbox=sandbox, patient=patient)
    except Exception as error:  # noqa: BLE001
        known = EXERCISES.get(exercise or 0, named(file.name))
        told = (known.number, known.title) if known else (0, "")
        return Report(*told, file.name, "grader error", problem=f"{type(error).__name__}: {error}")


class Bar:
    """A line that counts and says how long it will still take, on a terminal, once it takes over 2 s."""

    def __init__(self) -> None:
        self.began = self.last = time.monotonic()
        self.drawn, self.ran = False, 0

    def __call__(self, ran: int, known: int) -> None:
        now = time.monotonic()
        if ran < self.ran:  # the pairs begin
            self.began = now
        self.ran = ran
        if now - self.began > 2 and now - self.last > 0.2 and sys.stderr.isatty():
            self.last, self.drawn = now, True
            told = f"{ran} of {known} scenarios, {left(now - self.began, ran / known)}"
            click.echo(f"\r  {'█' * int(30 * ran / known):<30} {told:<48}", nl=False, err=True)

    def done(self) -> None:
        if self.drawn:
            click.echo("\r" + " " * 82 + "\r", nl=False, err=True)


def left(elapsed: float, share: float) -> str:
    """How long it will still take, when this share of it took so many seconds."""
    seconds = elapsed * (1 - share) / share
    return f"about {seconds / 60:.0f} min left" if seconds >= 90 else f"about {max(seconds, 1):.0f} s left"
