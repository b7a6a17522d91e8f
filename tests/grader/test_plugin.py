"""pytest grader --exercise 1 --submission FILE: the same verdict, one item per promise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from grader import grade

ROOT = Path(__file__).parent.parent.parent
STARTER = ROOT / "exercises" / "exercise1_ecommerce_order.py"
SOLUTION = ROOT / "solutions" / "exercise1_ecommerce_order.py"


def harness(*options: str | Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "grader", "--exercise", "1"]
    return subprocess.run([*words, *map(str, options)], cwd=ROOT, capture_output=True, text=True, check=False)


def test_each_promise_is_an_item_and_the_solution_passes_them_all() -> None:
    done = harness("--submission", SOLUTION)
    promises = len(grade(1, SOLUTION, quick=True).invariants)
    assert f"{promises} passed" in done.stdout
    assert done.returncode == 0


def test_the_starter_fails_with_the_message_of_the_command() -> None:
    done = harness("--submission", STARTER)
    assert done.returncode == 1
    assert "completed promises a net charge of 99.99" in done.stdout
    assert "judge.py" not in done.stdout


def test_a_file_that_cannot_be_run_is_one_item_that_says_why(tmp_path: Path) -> None:
    path = tmp_path / STARTER.name
    path.write_text("async def order_saga(:\n")
    done = harness("--submission", path)
    assert done.returncode == 1
    assert "Python cannot read this" in done.stdout


def test_without_a_submission_it_says_what_to_type() -> None:
    done = harness()
    assert done.returncode == 4
    assert "pytest grader --exercise 1 --submission FILE" in done.stdout + done.stderr
