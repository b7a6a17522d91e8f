"""What made a result: it changes with what decides, and with nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import grader
from grader import Report, grade
from grader.edition import edition
from grader.exercises import EXERCISES

ROOT = Path(grader.__file__).parent.parent


def edition_of(folder: Path) -> str:
    """Of a copy of the project, in a process of its own."""
    ask = "from grader.edition import edition; print(edition(True))"
    done = subprocess.run([sys.executable, "-c", ask], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_an_edition_tells_the_version_the_code_and_how_far_it_goes() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\+[0-9a-f]{12}, singles", edition(True))
    assert edition(False) == edition(True).replace("singles", "pairs")


def test_a_rule_that_is_mended_makes_another_edition_and_a_picture_does_not(tmp_path: Path) -> None:
    for name in ("grader", "saga_lab"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    assert edition_of(tmp_path) == edition(True)
    for name in ("saga_lab/views/theme.py", "grader/rules/exercise1.py"):
        with (tmp_path / name).open("a") as file:
            file.write("# mended\n")
        assert (edition_of(tmp_path) == edition(True)) == ("views" in name)


@pytest.mark.parametrize("number", EXERCISES)
def test_what_a_gold_medal_brings_is_known_before_anything_is_graded(number: int) -> None:
    starter = ROOT / "exercises" / f"{EXERCISES[number].module}.py"
    report: Report = grade(number, starter, quick=True)
    assert report.max_points == EXERCISES[number].max_points
