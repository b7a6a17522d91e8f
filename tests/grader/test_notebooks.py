"""The notebooks of the exercises: each begins as its starter does, and is graded as a file is."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from grader import grade
from grader.exercises import EXERCISES, Exercise
from grader.judge import replay_file
from grader.report import Report
from grader.submission import Submission, read
from grader.workbook import ROOT

exercises = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda exercise: exercise.module)


def saga(submission: Submission) -> str:
    """The function that is graded, without its comments."""
    [found] = [
        node
        for part in submission.parts
        for node in ast.parse(part.source).body
        if isinstance(node, ast.AsyncFunctionDef) and node.name == submission.exercise.function
    ]
    return ast.unparse(found)


@exercises
def test_a_notebook_begins_as_its_starter_does(exercise: Exercise) -> None:
    notebook = read(ROOT / "notebooks" / f"{exercise.module}.ipynb", None)
    assert saga(notebook) == saga(read(ROOT / "exercises" / f"{exercise.module}.py", None))
    assert notebook.warnings == ()


@exercises
def test_a_notebook_is_graded_as_a_file_is(exercise: Exercise) -> None:
    notebook = grade(None, ROOT / "notebooks" / f"{exercise.module}.ipynb", quick=True)
    starter = grade(None, ROOT / "exercises" / f"{exercise.module}.py", quick=True)
    assert starter.verdict == "fail"
    assert judged(notebook) == judged(starter)


def judged(report: Report) -> list[tuple[object, ...]]:
    """What is said of each promise, but for the places in a file."""
    return [
        (x.id, x.verdict, x.points, [(y.token, y.expected, y.observed, y.story, y.others) for y in x.causes])
        for x in report.invariants
    ]


@exercises
def test_a_solution_runs_in_its_notebook_as_in_its_file(exercise: Exercise, tmp_path: Path) -> None:
    solution = ROOT / "solutions" / f"{exercise.module}.py"
    notebook = json.loads((ROOT / "notebooks" / f"{exercise.module}.ipynb").read_text())
    [cell] = [x for x in notebook["cells"] if f"async def {exercise.function}(" in "".join(x["source"])]
    cell["source"] = solution.read_text()
    handed_in = tmp_path / f"{exercise.module}.ipynb"
    handed_in.write_text(json.dumps(notebook))
    told, expected = replay_file(handed_in, "none"), replay_file(solution, "none")
    assert expected.broken == told.broken == []
    assert told.trace == expected.trace
