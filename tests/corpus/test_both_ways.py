"""A notebook's quick mode and the grading of a file say the same: one process or many, killed or not.

Here of a sample; `make proof` compares the whole corpus.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType

import pytest

from grader import grade, watch
from grader.exercises import EXERCISES
from grader.report import Report
from tests.corpus.classifier import corpus, number, solution

ALL = [*corpus("right"), *corpus("wrong"), *map(solution, EXERCISES)]
CHOSEN = ALL if os.environ.get("SAGA_BOTH") == "all" else ALL[::61]


def exercise_of(path: Path) -> int:
    return number(path) if path.parent.name in ("right", "wrong") else int(path.name[len("exercise")])


def said(report: Report) -> tuple[str, set[str]]:
    return report.verdict, {judged.id for judged in report.invariants if judged.verdict == "fail"}


@pytest.mark.parametrize("path", CHOSEN, ids=lambda path: f"{exercise_of(path)}-{path.stem}")
def test_a_function_and_its_file_get_the_same_verdict_for_the_same_reasons(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "PATIENCE_WHEN_FAILING", 300.0)  # what ends too soon compares nothing
    exercise, module = exercise_of(path), ModuleType("submission")
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), module.__dict__)
    function = getattr(module, EXERCISES[exercise].function)
    assert said(grade(exercise, function, quick=True)) == said(grade(exercise, path, quick=True))
