"""What a learner asks of the course: hand in, and see own results."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import msgspec
from fastapi import APIRouter, Form, Request, Response, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool

from grader.course import pages
from grader.course.access import COOKIE, ACourse, Me, token_of
from grader.course.course import Course
from grader.course.limits import Problem
from grader.course.taking import take
from grader.gradebook import Attempt, Learner, is_teacher
from grader.pages import page
from grader.report import Report

routes = APIRouter()
_YEAR = 365 * 86_400


@routes.get("/")
def front(request: Request, course: ACourse) -> Response:
    """The way in."""
    token = token_of(request)
    if token and course.book.who(token) is not None:
        return RedirectResponse(f"{course.base}/me", 303)
    if token and is_teacher(course.book, token):
        return RedirectResponse(f"{course.base}/teacher", 303)
    return HTMLResponse(pages.sign_in(course.base))


@routes.post("/sign-in")
def sign_in(request: Request, course: ACourse, token: Annotated[str, Form()]) -> Response:
    """Keep the token in the browser, where no script can read it."""
    token = token.strip()
    place = "/teacher" if is_teacher(course.book, token) else "/me" if course.book.who(token) else ""
    if not place:
        raise Problem(401, "Nobody has this token. Was it copied whole? A newer one makes the older void.")
    answer = RedirectResponse(f"{course.base}{place}", 303)
    secure = request.url.scheme == "https"
    where = course.base or "/"
    answer.set_cookie(
        COOKIE, token, max_age=_YEAR, path=where, secure=secure, httponly=True, samesite="strict"
    )
    return answer


@routes.post("/sign-out")
def sign_out(course: ACourse) -> Response:
    """Forget the token in this browser."""
    answer = RedirectResponse(f"{course.base}/", 303)
    answer.delete_cookie(COOKIE, path=course.base or "/")
    return answer


# ---- for programs


@routes.post("/api/attempts", status_code=202)
async def hand_in(
    request: Request, course: ACourse, me: Me, file: str, exercise: int | None = None
) -> Response:
    """Hand in the body, a file by the name of `file`: `202` and a `Received` as soon as it is durable."""
    source = await request.body()
    received = await run_in_threadpool(take, course, me, exercise, file, source)
    return _json(received, 202)


@routes.get("/api/attempts")
def attempts(course: ACourse, me: Me) -> Response:
    """All that this learner handed in, oldest first."""
    return _json([_shown(attempt) for attempt in course.book.attempts(me.id)])


@routes.get("/api/attempts/{number}")
def report(course: ACourse, me: Me, number: int) -> Response:
    """The report of one of them, as documented JSON."""
    _mine(course, me, number)
    return Response(course.book.report(number), media_type="application/json")


# ---- for browsers


@routes.get("/me")
def my_page(course: ACourse, me: Me, said: str = "") -> HTMLResponse:
    """Own results, live."""
    return HTMLResponse(pages.mine(course, me, said))


@routes.get("/me/events")
async def my_events(course: ACourse, me: Me) -> StreamingResponse:
    """The part of that page that changes, each time it does."""
    shown = partial(run_in_threadpool, pages.results, course, me)
    return StreamingResponse(
        course.news.stream(me.id, shown),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},  # or nginx keeps it for itself
    )


@routes.post("/me/hand-in")
def hand_in_here(
    course: ACourse, me: Me, file: UploadFile, exercise: Annotated[str, Form()] = ""
) -> Response:
    """Hand in a file that was chosen on the page."""
    number = int(exercise) if exercise.isdecimal() else None
    received = take(course, me, number, file.filename or "", file.file.read())
    return RedirectResponse(f"{course.base}/me?said={received.attempt}", 303)


@routes.get("/me/attempts/{number}")
def my_report(course: ACourse, me: Me, number: int) -> HTMLResponse:
    """The report of one attempt, to read."""
    _mine(course, me, number)
    return as_page(course, number)


@routes.get("/me/attempts/{number}/file")
def my_file(course: ACourse, me: Me, number: int) -> Response:
    """What was handed in."""
    return as_file(course, _mine(course, me, number))


def as_page(course: Course, number: int) -> HTMLResponse:
    """The report of an attempt, without pictures: the runs are not kept."""
    return HTMLResponse(page(msgspec.json.decode(course.book.report(number), type=Report)))


def as_file(course: Course, attempt: Attempt) -> Response:
    """An attempt's file, to be saved: never to be shown, whatever it holds."""
    name = f"attempt-{attempt.number}-{attempt.file}"
    return Response(
        course.book.source(attempt.number),
        media_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _mine(course: Course, me: Learner, number: int) -> Attempt:
    """An attempt of this learner. Another's is told as one that does not exist."""
    found = [attempt for attempt in course.book.attempts(me.id) if attempt.number == number]
    if not found:
        raise Problem(404, f"You have no attempt {number}.")
    return found[0]


def _shown(attempt: Attempt) -> dict[str, object]:
    hidden = ("grader", "until", "tries", "learner")
    return {name: getattr(attempt, name) for name in attempt.__struct_fields__ if name not in hidden}


def _json(data: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(data), status, media_type="application/json")
