"""What a gradebook holds, as plain data, and why it refuses. Times are UTC, in seconds."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from grader.errors import Mendable
from grader.report import Medal, Verdict

State = Literal["queued", "grading", "done"]


class GradebookError(Mendable):
    """The gradebook cannot be read or written: what happened, what it means, and what to do."""


class InUse(GradebookError):
    """Another program writes to the gradebook just now, and for longer than one waits."""


class Unknown(GradebookError):
    """There is no such learner, exercise or attempt here."""


class Learner(Struct, frozen=True):
    """Somebody who hands in. The gradebook keeps a hash of the token, and tells it to nobody."""

    id: str
    name: str
    joined: float


class Attempt(Struct, frozen=True):
    """One file, handed in; `Gradebook.source` and `Gradebook.report` give its bytes and its report.

    `code`: SHA-256 of the bytes. `grader` holds it until `until`, when `state` is `grading`; `tries`: how
    often one took it up. `edition`: what made the result, empty before there is one, and then the verdict
    is `not run`. An attempt that is graded again keeps its result until the new one replaces it. `seconds`:
    how long grading took.
    """

    number: int
    learner: str
    exercise: int
    file: str
    code: str
    received: float
    state: State
    grader: str
    until: float
    tries: int
    edition: str
    verdict: Verdict
    medal: Medal | None
    points: int
    max_points: int
    seconds: float


class Deadline(Struct, frozen=True):
    """Until when an exercise is due, and what it costs to be late.

    `off`: percent of the points for each day begun after `due`. From `closes` on nothing counts; None: that
    never comes. With a `learner` it is an extension, and stands for that learner in place of the other.
    """

    exercise: int
    due: float
    off: int
    closes: float | None = None
    learner: str = ""


class Override(Struct, frozen=True):
    """A teacher's word on what an exercise counts for a learner; `points` None takes the last one back."""

    learner: str
    exercise: int
    points: int | None
    reason: str
    at: float
