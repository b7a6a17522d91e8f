"""Who may see what: a token tells."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from grader.course.course import Course
from grader.course.limits import Problem
from grader.gradebook import Learner, is_teacher

COOKIE = "saga_lab_course"


def the_course(request: Request) -> Course:
    """The course that this server runs."""
    course: Course = request.app.state.course
    return course


ACourse = Annotated[Course, Depends(the_course)]


def token_of(request: Request) -> str:
    """The token that came with a request: `Authorization: Bearer ...`, or the cookie of a browser."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else request.cookies.get(COOKIE, "")


def signed_in(request: Request, course: ACourse) -> Learner:
    """The learner whose token it is. Raises Problem with status 401."""
    _from_here(request)
    token = token_of(request)
    learner = course.book.who(token) if token else None
    if learner is None:
        raise Problem(401, _no_token(token), WWW_Authenticate="Bearer")
    return learner


def teaching(request: Request, course: ACourse) -> None:
    """Let the teacher pass. Raises Problem: 401 without a token, 403 with a learner's."""
    _from_here(request)
    token = token_of(request)
    if token and is_teacher(course.book, token):
        return
    if token and course.book.who(token) is not None:
        raise Problem(403, "This is the teacher's view, and yours is a learner's token.")
    raise Problem(401, _no_token(token), WWW_Authenticate="Bearer")


Me = Annotated[Learner, Depends(signed_in)]


def _no_token(token: str) -> str:
    if token:
        return (
            "Nobody has this token. Was it copied whole? A newer one makes the older void; ask your teacher."
        )
    return "A token is needed: the one that your teacher gave you."


def _from_here(request: Request) -> None:
    """A browser says when another site made it send a form; the cookie is not for those."""
    if (
        request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
        and request.method != "GET"
    ):
        raise Problem(403, "This form was sent by another site, so nothing was done.")
