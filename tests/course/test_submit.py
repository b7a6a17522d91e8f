"""saga-lab submit, and submit() in a notebook: what was handed in is told, and nothing is lost."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from grader import submit
from grader.batch import folder_of_a_class, handed_in
from grader.cli import main
from grader.submission import CannotRun
from grader.submit import SETTINGS, NotHandedIn
from grader.workbook import MARK
from tests.course.conftest import FILE, NOW, Lesson, Within

SAGA = "async def order_saga(saga, request, services): ..."
HERE = "http://course"


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working copy with an exercise in it, which is the current folder."""
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / MARK).touch()
    (copy / FILE).write_text(SAGA)
    os.utime(copy / FILE, (NOW, NOW))
    monkeypatch.chdir(copy)
    for name in ("SAGA_LAB_COURSE", "SAGA_LAB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return copy


@pytest.fixture
def a_class(tmp_path: Path) -> Path:
    folder = tmp_path / "class"
    folder.mkdir()
    return folder


# ---- to the server


def test_the_receipt_says_what_was_handed_in_when_and_where_the_result_will_be(
    lesson: Lesson, copy: Path
) -> None:
    receipt = submit(FILE, HERE, lesson.tokens["ada"], transport=Within(lesson.app))
    (attempt,) = lesson.book.attempts("ada")
    assert lesson.book.source(attempt.number) == SAGA.encode()
    code = hashlib.sha256(SAGA.encode()).hexdigest()
    assert (receipt.code, receipt.exercise) == (code, 1)
    assert str(receipt) == (
        f"Handed in  {FILE}, last saved 2025-11-24T16:00:00Z, SHA-256 {code[:12]}\n"
        "Received   2025-11-24T16:00:00Z. Exercise 1 · E-commerce order was handed in 2025-11-24 16:00 UTC, "
        "as attempt 1.\n"
        "Result     http://course/me/attempts/1"
    )
    assert lesson.ada.get(receipt.result).status_code == 200


def test_what_is_given_once_is_kept_in_the_working_copy_for_its_owner_alone(
    lesson: Lesson, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(1, HERE, lesson.tokens["ada"], transport=Within(lesson.app))
    assert stat.S_IMODE((copy / SETTINGS).stat().st_mode) == 0o600
    (copy / FILE).write_text(SAGA + "\n")
    submit(1, transport=Within(lesson.app))
    assert len(lesson.book.attempts("ada")) == 2
    monkeypatch.setenv("SAGA_LAB_TOKEN", lesson.tokens["bert"])
    submit(1, transport=Within(lesson.app))
    assert len(lesson.book.attempts("bert")) == 1, "the environment goes before what is kept"
    assert json.loads((copy / SETTINGS).read_text())["token"] == lesson.tokens["ada"]


def test_a_lost_reply_is_asked_for_again_and_stays_one_attempt(lesson: Lesson, copy: Path) -> None:
    class Losing(Within):
        lost = 0

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            answer = super().handle_request(request)
            if self.lost < 2:
                self.lost += 1
                raise httpx.ReadError("reset by peer")
            return answer

    waited: list[float] = []
    receipt = submit(FILE, HERE, lesson.tokens["ada"], transport=Losing(lesson.app), pause=waited.append)
    assert receipt.result.endswith("/1") and "stays attempt 1" in receipt.note
    assert len(lesson.book.attempts()) == 1 and waited == [1, 2]


Answer = Callable[[httpx.Request], httpx.Response]


def failing(error: Exception) -> Answer:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error

    return answer


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (failing(httpx.ConnectError("no route")), "cannot be reached (no route). Is the address right"),
        (failing(httpx.ReadTimeout("")), "did not answer within 60 s. It may have kept your file, or not"),
        (failing(httpx.ReadError("reset")), "broke (reset). It may have kept your file, or not"),
        (lambda _: httpx.Response(302, headers={"location": "https://x/"}), "sends one on to https://x/"),
        (lambda _: httpx.Response(502, text="<html>"), "answered 502, which is no course"),
        (lambda _: httpx.Response(200, text="hello"), "answered 200, which is no course"),
        (lambda _: httpx.Response(202, json={"code": "other"}), "is not your file"),
        (lambda _: httpx.Response(429, json={"problem": "Wait 20 s."}), "Not handed in: Wait 20 s."),
    ],
)
def test_what_the_network_does_is_told_in_words(copy: Path, answer: Answer, words: str) -> None:
    with pytest.raises(NotHandedIn) as error:
        submit(FILE, HERE, "token", transport=httpx.MockTransport(answer), pause=lambda _: None)
    assert words in str(error.value)
    assert not (copy / SETTINGS).exists(), "what did not work is not kept"


def test_a_token_that_is_nobodys_is_told_so(lesson: Lesson, copy: Path) -> None:
    with pytest.raises(NotHandedIn, match="Nobody has this token"):
        submit(FILE, HERE, "x", transport=Within(lesson.app))
    with pytest.raises(NotHandedIn, match="A token is needed"):
        submit(FILE, HERE)
    with pytest.raises(NotHandedIn, match="Where to"):
        submit(FILE)
    with pytest.raises(NotHandedIn, match="is no address"):
        submit(FILE, "http://", "x")


def test_what_will_not_run_is_handed_in_all_the_same_and_says_so(lesson: Lesson, copy: Path) -> None:
    (copy / FILE).write_text("async def order_saga(:")
    receipt = submit(FILE, HERE, lesson.tokens["ada"], transport=Within(lesson.app))
    assert "will not run" in str(receipt) and "Python cannot read this" in str(receipt)
    assert len(lesson.book.attempts("ada")) == 1


def test_what_is_no_submission_is_not_handed_in(copy: Path) -> None:
    (copy / "notes.txt").write_text("x")
    (copy / "saga.py").write_text("x = 1")
    for file, words in (("notes.txt", "neither"), ("saga.py", "Which exercise"), ("none.py", "no file")):
        with pytest.raises(CannotRun, match=words):
            submit(file, HERE, "token")
    with pytest.raises(CannotRun, match="no exercise 9"):
        submit(9, HERE, "token")
    (copy / FILE).with_suffix(".ipynb").write_text("{}")
    with pytest.raises(NotHandedIn, match="Which file"):
        submit(1, HERE, "token")


# ---- to a folder


def test_a_folder_gets_one_for_the_learner_as_grade_all_reads_it(copy: Path, a_class: Path) -> None:
    receipt = submit(FILE, str(a_class), name="ada", now=lambda: NOW)
    (folder,) = folder_of_a_class(a_class)
    (found,) = handed_in(folder)
    assert (found.learner, found.exercise, found.source, found.problem) == ("ada", 1, SAGA.encode(), "")
    assert receipt.received == "2025-11-24T16:00:00Z" and str(a_class) in receipt.result
    again = submit(FILE)
    assert "handed in already" in again.note and [*handed_in(folder)] == [found]


def test_what_was_handed_in_before_is_set_aside_and_another_ending_too(copy: Path, a_class: Path) -> None:
    submit(FILE, str(a_class), name="ada", now=lambda: NOW)
    (copy / FILE).write_text(SAGA + "  # better")
    submit(FILE, now=lambda: NOW + 60)
    notebook = (copy / FILE).with_suffix(".ipynb")
    notebook.write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    submit(notebook, now=lambda: NOW + 120)
    (found,) = handed_in(a_class / "ada")
    assert (found.file, found.problem) == (notebook.name, "")
    kept = sorted((a_class / "ada" / "earlier").iterdir())
    assert [(path.name, path.read_text()) for path in kept] == [
        (f"20251124T160100Z-{FILE}", SAGA),
        (f"20251124T160200Z-{FILE}", SAGA + "  # better"),
    ]


@pytest.mark.parametrize("name", ["../bert", ".hidden", "a/b", "a\nb"])
def test_a_name_that_leads_elsewhere_is_refused(copy: Path, a_class: Path, name: str) -> None:
    with pytest.raises(NotHandedIn, match="cannot be the name of a folder"):
        submit(FILE, str(a_class), name=name)
    assert [*a_class.iterdir()] == []


def test_a_folder_that_is_not_there_is_not_made(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(NotHandedIn, match="There is no folder"):
        submit(FILE, str(tmp_path / "none"), name="ada")


def test_on_the_command_line_it_says_the_same(copy: Path, a_class: Path) -> None:
    done = CliRunner().invoke(main, ["submit", FILE, "--to", str(a_class), "--name", "ada"])
    assert done.exit_code == 0 and done.output.startswith(f"Handed in  {FILE}")
    failed = CliRunner().invoke(main, ["submit", FILE, "--to", str(a_class / "none")])
    assert failed.exit_code == 2 and "There is no folder" in failed.output
