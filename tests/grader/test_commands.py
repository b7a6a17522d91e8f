"""The commands, as they are typed: what they say, and how they end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from grader.cli import main
from grader.cli.telling import left

ROOT = Path(__file__).parent.parent.parent
STARTER = ROOT / "exercises" / "exercise1_ecommerce_order.py"
SOLUTION = ROOT / "solutions" / "exercise1_ecommerce_order.py"
WRONG = next((ROOT / "tests" / "corpus" / "exercise1" / "wrong").glob("M-G01_*.py"))


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


STARTERS_MESSAGE = """\
✗ Exercise 1 · E-commerce order — E1-S1 the customer pays the exact amount, or nothing  0 / 3 points
  What must hold   completed promises a net charge of 99.99
  Observed         completed, and the customer has paid 0.00
  What we did      no fault at all
  What happened     1 payments.charge  never asked   <- here it went wrong
                    2 returned "completed"
  Why it matters   Money is what customers look at first. A failed order gives back all of it.
  Your code        exercise1_ecommerce_order.py:38   return OrderResult(status="completed")
  Try              saga-lab replay exercise1_ecommerce_order.py "none"
  E1-S2, E1-S3, E1-L1 and S-0 break here too. 2 more failing scenarios have this cause. 3 runs
  without faults; faults wait until these pass.
"""


def test_the_starter_is_told_its_first_failure_and_nothing_else() -> None:
    result = run("grade", STARTER)
    assert (result.stdout, result.exit_code) == (STARTERS_MESSAGE, 1)


def test_a_failure_tells_its_story_its_reason_and_its_line() -> None:
    result = run("grade", WRONG, "--exercise", "1", "--quick")
    assert result.exit_code == 1
    for field in (
        "What must hold",
        "Observed",
        "What we did",
        "What happened",
        "Why it matters",
        "Your code",
    ):
        assert f"\n  {field} " in result.stdout
    assert result.stdout.count("✗ Exercise 1") <= 3
    for told in result.stdout.split("\n\n"):
        assert len(told.splitlines()) <= 25
    assert max(map(len, result.stdout.splitlines())) <= 100


def test_what_a_failure_says_to_try_shows_that_failure() -> None:
    told = run("grade", WRONG, "--exercise", "1", "--quick").stdout
    token = next(line for line in told.splitlines() if line.startswith("  Try ")).split('"')[1]
    result = run("replay", WRONG, token, "--exercise", "1")
    assert result.exit_code == 0
    assert "<- fault" in result.stdout
    assert "\n✗ " in result.stdout


def test_the_report_as_json_says_what_the_message_says() -> None:
    result = run("grade", SOLUTION, "--quick", "--json")
    report = json.loads(result.stdout)
    assert (report["exercise"], report["verdict"], report["medal"]) == (1, "pass", "silver")
    assert report["points"] * 3 == report["max_points"] * 2, "gold waits for the pairs"
    count = report["scenarios"]
    assert count["exist"] == count["ran"] + count["pruned"] and count["ran"] > 200
    assert {judged["verdict"] for judged in report["invariants"]} == {"pass"}
    failed = json.loads(run("grade", STARTER, "--json").stdout)
    assert set(failed["invariants"][0]["causes"][0]) >= {"token", "status", "story"}


def test_the_report_as_a_page_stands_alone(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert run("grade", STARTER, "--html", page).exit_code == 1
    text = page.read_text(encoding="utf-8")
    assert "<svg" in text
    assert "net charge of 99.99" in text
    assert 'src="http' not in text


def test_a_replay_tells_the_story_and_draws_it(tmp_path: Path) -> None:
    picture = tmp_path / "run.svg"
    result = run("replay", SOLUTION, "payments.charge:lost*", "--svg", picture)
    assert result.exit_code == 0
    assert "reply lost" in result.stdout
    assert "✓ every promise holds in this run" in result.stdout
    assert picture.read_text().startswith("<svg")


def test_a_replay_says_when_its_fault_found_no_call_to_strike() -> None:
    words = "this saga did not make every call that was to go wrong"
    assert words in run("replay", STARTER, "mail.send:lost").stdout
    for token in ("mail.send:lost", "mail.send:crash-before", "finish:crash", "again"):
        assert words not in run("replay", SOLUTION, token).stdout


def test_what_a_submission_prints_is_shown_by_a_replay(tmp_path: Path) -> None:
    path = tmp_path / STARTER.name
    path.write_text(STARTER.read_text().replace("    return ", '    print("here")\n    return '))
    assert "Your code printed:\nhere" in run("replay", path, "none").stdout


@pytest.mark.parametrize("token", ["payments.charge:explode", "payments.pay:lost", "case:x"])
def test_a_token_that_cannot_be_played_is_told_in_words(token: str) -> None:
    result = run("replay", SOLUTION, token)
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert len(result.stderr) > 20


def test_explore_lists_every_single_fault_with_its_status() -> None:
    result = run("explore", SOLUTION)
    lines = result.stdout.splitlines()
    assert any(line.split() == ["✓", "payments.charge:lost*", "completed"] for line in lines)
    assert any(line.split() == ["✓", "shipping.create:late=1h*", "failed"] for line in lines)
    assert any(line.split() == ["✓", "mail.send:down*", "completed"] for line in lines)
    assert lines[-1].endswith("scenarios ran.")


@pytest.mark.parametrize("command", ["grade", "replay", "explore", "init", "reset", "lab"])
def test_help_teaches_each_command(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) > 5


def test_the_command_ends_as_the_shell_is_told() -> None:
    for path, code in ((SOLUTION, 0), (STARTER, 1), (ROOT / "absent.py", 2)):
        words = [Path(sys.executable).with_name("saga-lab"), "grade", "--quick", path, "--exercise", "1"]
        assert subprocess.run(words, capture_output=True, check=False).returncode == code


def test_a_notebook_and_a_file_with_the_same_saga_get_the_same_verdict(tmp_path: Path) -> None:
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "execution_count": None, "outputs": []}
    path = tmp_path / "exercise1_ecommerce_order.ipynb"
    for source in (SOLUTION, WRONG):
        book = {
            "cells": [{**cell, "source": source.read_text()}],
            "metadata": {},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        path.write_text(json.dumps(book))
        words = ("--exercise", "1", "--quick", "--json")
        of_book, of_file = (json.loads(run("grade", x, *words).stdout) for x in (path, source))
        for report in (of_book, of_file):
            del report["file"]
            for judged in report["invariants"]:
                for cause in judged["causes"]:
                    del cause["code"], cause["again"]
        assert of_book == of_file


@pytest.mark.parametrize(
    ("elapsed", "share", "told"),
    [(10.0, 0.5, "about 10 s left"), (30.0, 0.1, "about 4 min left"), (9.0, 1.0, "about 1 s left")],
)
def test_a_long_grade_says_how_long_it_will_still_take(elapsed: float, share: float, told: str) -> None:
    assert left(elapsed, share) == told
