"""Take what a learner hands in, and say what was taken."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from grader.course.course import Course, when
from grader.course.limits import MOST_BYTES, Problem
from grader.exercises import EXERCISES
from grader.gradebook import Attempt, Deadline, Learner, days_late, due
from grader.submission import CannotRun, which


class Received(Struct, frozen=True):
    """What was handed in. `again`: it was here already, and is the same attempt. `code`: its SHA-256.

    `late`: the days begun after it was due. `note` says it all in a sentence or two.
    """

    attempt: int
    exercise: int
    file: str
    code: str
    received: float
    again: bool
    late: int
    note: str


def take(course: Course, learner: Learner, exercise: int | None, file: str, source: bytes) -> Received:
    """Keep it in the gradebook, durably, and wake who grades. Raises Problem.

    The file gets the name of its exercise: what a learner calls it decides nothing, and reaches no folder.
    """
    ending = Path(file).suffix
    if ending not in (".py", ".ipynb"):
        raise Problem(422, f"{file or 'This'} is neither a .py nor an .ipynb. Hand in the file of your saga.")
    if len(source) > MOST_BYTES:
        raise Problem(413, too_large(len(source)))
    if not source.strip():
        raise Problem(422, f"{file} is empty. Did you save it?")
    try:
        found = which(Path(file), exercise, ())
    except CannotRun as problem:
        raise Problem(422, str(problem)) from None
    course.allowance.take(learner.id)
    known = {attempt.number for attempt in course.book.attempts(learner.id, found.number)}
    attempt = course.book.hand_in(learner.id, found.number, found.module + ending, source)
    course.workers.wake()
    course.news.tell(learner.id)
    rule = due(course.book.deadlines(), learner.id, found.number)
    again = attempt.number in known
    return Received(
        attempt.number,
        found.number,
        attempt.file,
        attempt.code,
        attempt.received,
        again,
        days_late(attempt.received, rule),
        _note(attempt, rule, again),
    )


def too_large(size: int) -> str:
    """Why it was not taken, and what to do."""
    return (
        f"This has {size:,} bytes, and at most {MOST_BYTES:,} are taken, so nothing was kept. Of a notebook, "
        "clear the output of all cells, save it, and hand it in again."
    )


def _note(attempt: Attempt, rule: Deadline | None, again: bool) -> str:
    title = EXERCISES[attempt.exercise].title
    was = f"The same file was handed in {when(attempt.received)} already: it stays attempt {attempt.number}."
    told = was if again else f"{title} was handed in {when(attempt.received)}, as attempt {attempt.number}."
    return f"{told} {lateness(attempt.received, rule)}".strip()


def lateness(received: float, rule: Deadline | None) -> str:
    """Whether that is late, and what it costs; empty when nothing is due."""
    if rule is None:
        return ""
    if rule.closes is not None and received >= rule.closes:
        return f"It was closed {when(rule.closes)}, so it counts nothing; your teacher can see it."
    late = days_late(received, rule)
    if not late:
        return f"It is in time: due {when(rule.due)}."
    lost = min(100, rule.off * late)
    cost = f"{lost} % of its points are lost" if lost else "that costs nothing"
    return f"It is late, due {when(rule.due)}: {cost}."
