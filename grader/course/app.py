"""The course as a web application: its parts, what every answer has in common, and its health."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from grader.course import learning, pages, teaching
from grader.course.access import ACourse
from grader.course.course import Course
from grader.course.limits import MOST_BYTES, Problem
from grader.course.taking import too_large
from grader.gradebook import GradebookError, InUse, Unknown

_AROUND = 10_000
"""Bytes of a form around the file in it."""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; "
    "connect-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def application(course: Course) -> FastAPI:
    """The course as an ASGI application; it begins to grade when it is started, and stops with it."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        course.workers.start()
        yield
        course.workers.close()

    app = FastAPI(title="Saga Lab", lifespan=life, openapi_url=None)
    app.state.course = course
    app.include_router(learning.routes)
    app.include_router(teaching.routes)
    app.add_api_route("/health", health)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"))
    app.middleware("http")(_around)
    app.add_middleware(_Under, base=course.base)
    for kind in (Problem, GradebookError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, _told)
    return app


def health(course: ACourse) -> JSONResponse:
    """Whether it takes and grades, for whoever watches over servers: 200, or 503 with the reason."""
    try:
        waiting = len(course.book.attempts(state="queued"))
    except GradebookError as error:
        return JSONResponse({"status": "no gradebook", "problem": str(error)}, 503)
    status = "ok" if course.workers.alive else "nobody grades"
    told = {"status": status, "waiting": waiting, "workers": course.workers.count}
    return JSONResponse(told, 200 if course.workers.alive else 503)


class _Under:
    """Under the path at which a proxy shows it, whether that strips the path or not."""

    def __init__(self, app: ASGIApp, base: str) -> None:
        self._app = app
        self._base = base

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"]
            whole = path if path.startswith(f"{self._base}/") else self._base + path
            scope = {**scope, "path": whole, "root_path": self._base}
        await self._app(scope, receive, send)


async def _around(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
    """Refuse what is too large before it is read, and say to browsers how careful to be."""
    length = request.headers.get("content-length", "")
    if request.method == "POST" and not length.isdecimal():
        answer = _told(request, Problem(411, "Say how long it is (Content-Length), so that it can be taken."))
    elif length.isdecimal() and int(length) > MOST_BYTES + _AROUND:
        answer = _told(request, Problem(413, too_large(int(length))))
    else:
        answer = await go_on(request)
    for name, value in _HEADERS.items():
        answer.headers.setdefault(name, value)
    return answer


def _told(request: Request, error: Exception) -> Response:
    """An error in words: a page for a browser, JSON for a program."""
    match error:
        case Problem():
            status, headers = error.status, error.headers
        case Unknown():
            status, headers = 404, {}
        case InUse():
            status, headers = 503, {"Retry-After": "5"}
        case GradebookError():
            status, headers = 503, {}
        case RequestValidationError():
            wrong = sorted({str(each["loc"][-1]) for each in error.errors()})
            error = Problem(422, f"Missing, or not what belongs there: {', '.join(wrong)}. Nothing was done.")
            status, headers = 422, {}
        case HTTPException():
            status, headers = error.status_code, dict(error.headers or {})
            error = Problem(status, "There is no such page here." if status == 404 else str(error.detail))
        case _:
            raise error
    text = str(error)
    if "text/html" in request.headers.get("accept", ""):
        base = request.app.state.course.base
        page = pages.sign_in(base, text) if status == 401 else pages.problem(base, text)
        return HTMLResponse(page, status, headers)
    return JSONResponse({"problem": text}, status, headers)
