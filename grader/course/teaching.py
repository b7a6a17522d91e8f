"""What the teacher asks of the course, behind a token of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Response, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse

from grader.course import pages, roster
from grader.course.access import ACourse, teaching
from grader.course.course import Course, when
from grader.course.learning import as_file, as_page
from grader.course.limits import Problem
from grader.exercises import EXERCISES
from grader.gradebook import Deadline, Unknown

routes = APIRouter(prefix="/teacher", dependencies=[Depends(teaching)])
Text = Annotated[str, Form()]
Number = Annotated[int, Form()]


@routes.get("")
def overview(course: ACourse, said: str = "") -> HTMLResponse:
    """The class: who stands where."""
    return HTMLResponse(pages.overview(course, said))


@routes.get("/learner")
def one_learner(course: ACourse, id: str) -> HTMLResponse:
    """All of one learner."""
    return HTMLResponse(pages.one_learner(course, _known(course, id)))


@routes.get("/attempts/{number}")
def report(course: ACourse, number: int) -> HTMLResponse:
    """The report of one attempt, as its learner reads it."""
    return as_page(course, number)


@routes.get("/attempts/{number}/file")
def file(course: ACourse, number: int) -> Response:
    """What was handed in."""
    return as_file(course, course.book.attempt(number))


@routes.get("/standing.csv")
def standing(course: ACourse) -> Response:
    """What counts, a line for each learner and exercise."""
    return _csv(roster.standing(course.book), "standing.csv")


@routes.post("/roster")
def take_in(course: ACourse, file: UploadFile) -> Response:
    """Enrol a list (CSV: id, name), and give the tokens of those who are new, this once."""
    learners = roster.read(file.file.read())
    return _csv(roster.enrol(course.book, learners), "tokens.csv")


@routes.post("/token")
def another_token(course: ACourse, learner: Text) -> Response:
    """A new token for somebody who lost theirs, which is void from now on."""
    known = _known(course, learner)
    token = course.book.issue(known)
    return _csv(roster.table(("id", "token"), [(known, token)]), "token.csv")


@routes.post("/deadline")
def set_deadline(
    course: ACourse, exercise: Number, due: Text, off: Number, closes: Text = "", learner: Text = ""
) -> Response:
    """When an exercise is due: for everybody, or, as an extension, for one learner."""
    if exercise not in EXERCISES or not 0 <= off <= 100:
        raise Problem(422, "An exercise from 1 to 6 is needed, and 0 to 100 % off for each day.")
    ends = _time(closes) if closes else None
    begins = _time(due)
    if ends is not None and ends < begins:
        raise Problem(422, "It would close before it is due. Nothing was changed.")
    course.book.set_deadline(Deadline(exercise, begins, off, ends, learner.strip()))
    for each in course.book.learners():
        course.news.tell(each.id)
    return _done(course, f"Exercise {exercise} is due {when(begins)}{f' for {learner}' if learner else ''}.")


@routes.post("/override")
def override(course: ACourse, learner: Text, exercise: Number, reason: Text, points: Text = "") -> Response:
    """Say what an exercise counts for a learner, and why; no points: what the grader says counts again."""
    known = _known(course, learner)
    given = int(points) if points.strip().isdecimal() else None
    if points.strip() and given is None:
        raise Problem(422, "Points are a whole number; leave them empty to take an override back.")
    if not reason.strip():
        raise Problem(422, "An override needs a reason: the learner will ask, and so will you in a year.")
    course.book.override(known, exercise, given, reason.strip())
    course.news.tell(known)
    counts = "counts as graded again" if given is None else f"counts {given} points"
    return _done(course, f"Exercise {exercise} of {known} {counts}.")


@routes.post("/regrade")
def regrade(course: ACourse, learner: Text = "", exercise: Text = "") -> Response:
    """Grade again all attempts of a learner, of an exercise, or of both; old results stand meanwhile."""
    known = _known(course, learner) if learner.strip() else None
    number = int(exercise) if exercise.isdecimal() else None
    if known is None and number is None:
        raise Problem(422, "Name a learner or an exercise: the whole class takes hours, and was not meant.")
    found = course.book.attempts(known, number, "done")
    for attempt in found:
        course.book.regrade(attempt)
        course.news.tell(attempt.learner)
    course.workers.wake()
    return _done(course, f"{len(found)} attempts are graded again.")


@routes.post("/forget")
def forget(course: ACourse, learner: Text, again: Text) -> Response:
    """Delete a learner and all that they handed in; the id is typed twice."""
    if learner.strip() != again.strip():
        raise Problem(422, "The two ids differ, so nothing was deleted.")
    known = _known(course, learner)
    gone = course.book.forget(known)
    return _done(course, f"{known} is deleted, with {gone} attempts. Backups made before still hold them.")


def _known(course: Course, learner: str) -> str:
    learner = learner.strip()
    if not any(known.id == learner for known in course.book.learners()):
        raise Unknown(f"there is no learner {learner!r} in this gradebook: enrol them first")
    return learner


def _time(text: str) -> float:
    """A time as browsers send it, in UTC."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise Problem(422, f"{text!r} is no time. Write 2026-11-30T23:59, in UTC.") from None


def _done(course: Course, said: str) -> Response:
    return RedirectResponse(f"{course.base}/teacher?said={quote(said)}", 303)


def _csv(text: str, name: str) -> Response:
    shown = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=shown)
