"""Who sees what: one learner never sees another's work, whatever the route; the teacher's view is closed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from grader.course import learning, teaching
from grader.course.access import COOKIE
from tests.course.conftest import FILE, Lesson

SECRET = "the saga that only ada wrote"
OPEN = {"/", "/health", "/sign-in", "/sign-out"}
OTHERS = [
    ("GET", "/api/attempts"),
    ("GET", "/api/attempts/{number}"),
    ("GET", "/me"),
    ("GET", "/me/attempts/{number}"),
    ("GET", "/me/attempts/{number}/file"),
]
"""Every route that shows a learner something; but for the stream, which has a test of its own."""
CHANGES = [("POST", "/api/attempts"), ("POST", "/me/hand-in"), ("GET", "/me/events")]
TEACHERS = [
    ("GET", ""),
    ("GET", "/learner"),
    ("GET", "/attempts/{number}"),
    ("GET", "/attempts/{number}/file"),
    ("GET", "/standing.csv"),
    *(("POST", f"/{what}") for what in ("roster", "token", "deadline", "override", "regrade", "forget")),
]


def routes(lesson: Lesson) -> set[tuple[str, str]]:
    """All that the application answers, by method and path."""
    found: set[tuple[str, str]] = set()
    for route in (*lesson.app.routes, *learning.routes.routes, *teaching.routes.routes):
        if isinstance(route, APIRoute):
            found |= {(method, route.path) for method in route.methods}
    return found


def test_every_route_is_named_here(lesson: Lesson) -> None:
    known = {*OTHERS, *CHANGES, *((method, f"/teacher{path}") for method, path in TEACHERS)}
    assert {route for route in routes(lesson) if route[1] not in OPEN} == known


@pytest.mark.parametrize(("method", "path"), OTHERS)
def test_another_learner_sees_nothing_of_it(lesson: Lesson, method: str, path: str) -> None:
    number = lesson.hand_in(lesson.ada, SECRET)
    lesson.grade(problem=SECRET)
    place = path.format(number=number)
    own, other = lesson.ada.request(method, place), lesson.bert.request(method, place)
    assert own.status_code == 200
    assert SECRET in own.text or "E-commerce" in own.text or FILE in own.text
    assert other.status_code == (404 if "number" in path else 200)
    for hidden in (SECRET, "Ada", lesson.book.attempt(number).code[:12]):
        assert hidden not in other.text
    unknown = lesson.bert.request(method, path.format(number=99))
    assert unknown.status_code == other.status_code
    assert unknown.text.replace("99", str(number)) == other.text, "nor that it exists"


@pytest.mark.parametrize(("method", "path"), [*OTHERS, *CHANGES])
@pytest.mark.parametrize("who", ["nobody", "teacher"])
def test_without_a_learners_token_nothing_is_shown(lesson: Lesson, who: str, method: str, path: str) -> None:
    number = lesson.hand_in(lesson.ada, SECRET)
    browser = getattr(lesson, who)
    answer = browser.request(method, path.format(number=number), params={"file": FILE})
    assert answer.status_code == 401 and SECRET not in answer.text
    assert len(lesson.book.attempts()) == 1


@pytest.mark.parametrize(("method", "path"), TEACHERS)
@pytest.mark.parametrize(("who", "status"), [("nobody", 401), ("ada", 403), ("bert", 403)])
def test_the_teachers_view_is_the_teachers_alone(
    lesson: Lesson, who: str, status: int, method: str, path: str
) -> None:
    number = lesson.hand_in(lesson.ada, SECRET)
    before = (lesson.book.attempts(), lesson.book.learners(), lesson.book.overrides())
    form = {"learner": "ada", "again": "ada", "exercise": "1", "reason": "mine", "points": "66"}
    answer = getattr(lesson, who).request(
        method, f"/teacher{path.format(number=number)}", data=form if method == "POST" else None
    )
    assert answer.status_code == status and SECRET not in answer.text
    assert (lesson.book.attempts(), lesson.book.learners(), lesson.book.overrides()) == before
    assert lesson.book.who(lesson.tokens["ada"]) is not None, "her token still works"


@pytest.mark.parametrize("token", ["", "x", "Ünïcode", "0" * 40, "' OR 1=1 --"])
def test_a_token_that_is_nobodys_opens_nothing(lesson: Lesson, token: str) -> None:
    header = {"Authorization": b"Bearer " + token.encode()}
    for place in ("/me", "/teacher", "/api/attempts"):
        assert lesson.nobody.get(place, headers=header).status_code == 401
    assert lesson.nobody.post("/sign-in", data={"token": token or " "}).status_code in (401, 422)


def test_a_new_token_closes_the_door_to_the_old_one(lesson: Lesson) -> None:
    assert lesson.ada.get("/me").status_code == 200
    lesson.book.issue("ada")
    assert lesson.ada.get("/me").status_code == 401


def test_a_browser_keeps_the_token_where_no_script_reads_it(lesson: Lesson) -> None:
    answer = lesson.nobody.post("/sign-in", data={"token": f" {lesson.tokens['ada']} "})
    assert (answer.status_code, answer.headers["location"]) == (303, "/me")
    kept = answer.headers["set-cookie"].lower()
    assert "httponly" in kept and "samesite=strict" in kept
    assert "Ada Lovelace" in lesson.nobody.get("/me").text
    out = lesson.nobody.post("/sign-out")
    assert out.headers["location"] == "/" and COOKIE not in lesson.nobody.cookies
    assert lesson.nobody.get("/me").status_code == 401


def test_a_form_that_another_site_sends_does_nothing(lesson: Lesson) -> None:
    for site in ("cross-site", "same-site"):
        answer = lesson.ada.post(
            "/api/attempts", params={"file": FILE}, content=b"x", headers={"Sec-Fetch-Site": site}
        )
        assert answer.status_code == 403
    assert lesson.book.attempts() == []


def test_a_browser_reads_errors_as_a_page_and_nothing_in_it_is_run(lesson: Lesson) -> None:
    answer = lesson.ada.get("/me/attempts/99", headers={"Accept": "text/html"})
    assert answer.status_code == 404 and "<p" in answer.text and "You have no attempt 99." in answer.text
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert lesson.ada.get("/me").headers["cache-control"] == "no-store"
    assert "Bert &lt;b&gt;" in lesson.bert.get("/me").text


def test_behind_a_proxy_every_link_has_its_path(tmp_path: Path) -> None:
    lesson = Lesson(tmp_path, base="/services/course")
    for prefix in ("/services/course", ""):  # a proxy may strip it, or not
        assert lesson.nobody.get(f"{prefix}/static/course.css").status_code == 200
        answer = lesson.ada.get(f"{prefix}/me")
        assert answer.status_code == 200
        for link in re.findall(r'(?:href|src|action|data-from)="(/[^"]*)"', answer.text):
            assert link.startswith("/services/course/"), link
        signed = lesson.nobody.post(f"{prefix}/sign-in", data={"token": lesson.tokens["ada"]})
        assert signed.headers["location"] == "/services/course/me"
        assert "path=/services/course" in signed.headers["set-cookie"].lower()
    lesson.close()
