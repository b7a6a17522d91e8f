"""The consumers' own code reads what we write: nbgrader, otter, gradescope-utils, junitparser; `make proof`.

Each has an environment of its own, made the first time as for the benchmarks.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.environments import environment
from grader.exports import gradescope, junit, nbgrader, otter
from grader.exports.checks import checks, total
from grader.judge import grade
from grader.sandbox import is_root
from tests.exports.reports import EXERCISE, REPORTS

ROOT = Path(__file__).parent.parent.parent
NAME = f"{EXERCISE.module}.ipynb"
RIGHT = (ROOT / "solutions" / f"{EXERCISE.module}.py").read_text()
WRONG = next((ROOT / "tests/corpus/exercise1/wrong").glob("M-G01_*.py")).read_text()
STARTER = (ROOT / "exercises" / f"{EXERCISE.module}.py").read_text()
Notebook = dict[str, Any]


def run(python: Path, *words: str | Path, cwd: Path) -> str:
    """What a command of that environment prints; it must end well."""
    paths = {"PATH": f"{python.parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        [str(x) for x in words], cwd=cwd, env=os.environ | paths, text=True, capture_output=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def points_of(path: Path) -> float:
    """What we say ourselves."""
    return grade(None, path, patient=True).points


# ---- nbgrader


def cell(source: str) -> Notebook:
    return {
        "cell_type": "code",
        "id": "own",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
        "source": source,
    }


def solved(source: str) -> Callable[[Notebook], None]:
    def edit(notebook: Notebook) -> None:
        for one in notebook["cells"]:
            if one["metadata"].get("nbgrader", {}).get("grade_id") == nbgrader.SOLUTION:
                one["source"] = source

    return edit


def ends_the_kernel_first(notebook: Notebook) -> None:
    notebook["cells"].insert(0, cell("import os; os._exit(0)"))
    solved(RIGHT)(notebook)


def without_the_locked_cell(notebook: Notebook) -> None:
    solved(RIGHT)(notebook)
    notebook["cells"] = [x for x in notebook["cells"] if x["id"] != nbgrader.ID]


def changed_the_locked_cell(notebook: Notebook) -> None:
    solved(WRONG)(notebook)
    next(x for x in notebook["cells"] if x["id"] == nbgrader.ID)["source"] = "66.0"


SUBMITTED: dict[str, Callable[[Notebook], None]] = {
    "right": solved(RIGHT),
    "wrong": solved(WRONG),
    "starter": lambda notebook: None,
    "unreadable": solved("async def order_saga(:\n"),
    "changed": changed_the_locked_cell,
    "deleted": without_the_locked_cell,
    "killed": ends_the_kernel_first,
    "killed_later": solved(f"import os\n{WRONG}\nos._exit(0)\n"),
}


@pytest.fixture(scope="module")
def autograded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, float]]:
    """A course, in which nbgrader released the assignment and graded every submission; and its own export."""
    course, python = tmp_path_factory.mktemp("course"), environment("nbgrader", project=True)
    nbgrader.course(EXERCISE, course)
    run(python, "nbgrader", "generate_assignment", "exercise1", cwd=course)
    released = (course / "release" / "exercise1" / NAME).read_text()
    for student, edit in SUBMITTED.items():
        notebook = json.loads(released)
        edit(notebook)
        place = course / "submitted" / student / "exercise1"
        place.mkdir(parents=True)
        (place / NAME).write_text(json.dumps(notebook))
    environ = os.environ | {"PATH": f"{python.parent}:{os.environ['PATH']}"}
    subprocess.run(["nbgrader", "autograde", "exercise1"], cwd=course, env=environ, capture_output=True)
    run(python, "nbgrader", "export", "--to", "grades.csv", cwd=course)
    head, *rows = [line.split(",") for line in (course / "grades.csv").read_text().splitlines()]
    found = [dict(zip(head, row, strict=True)) for row in rows]
    assert {row["max_score"] for row in found} == {f"{EXERCISE.max_points}.0"}
    return course, {row["student_id"]: float(row["score"]) for row in found}


def test_nbgrader_gives_the_points_that_we_give(autograded: tuple[Path, dict[str, float]]) -> None:
    course, scores = autograded
    for student in ("right", "wrong", "starter", "unreadable"):
        assert scores[student] == points_of(course / "submitted" / student / "exercise1" / NAME)
    assert scores["right"] == EXERCISE.max_points
    assert 0 < scores["wrong"] < EXERCISE.max_points


def test_nbgrader_gives_no_point_for_a_cell_that_was_changed_deleted_or_never_ran(
    autograded: tuple[Path, dict[str, float]],
) -> None:
    _, scores = autograded
    assert scores["changed"] == scores["wrong"], "it puts the locked cell back"
    assert {scores[x] for x in ("deleted", "killed", "killed_later")} == {0}


def test_nbgraders_determine_grade_reads_our_float(autograded: tuple[Path, dict[str, float]]) -> None:
    course, scores = autograded
    look = (
        "import json, sys, nbformat\nfrom nbgrader.utils import determine_grade\n"
        "cells = nbformat.read(sys.argv[1], 4).cells\n"
        "one = next(x for x in cells if x.metadata.get('nbgrader', {}).get('grade'))\n"
        "print(json.dumps([determine_grade(one), [x.output_type for x in one.outputs]]))\n"
    )
    python = environment("nbgrader", project=True)
    for student in ("right", "wrong", "starter", "unreadable"):
        path = course / "autograded" / student / "exercise1" / NAME
        given, outputs = json.loads(run(python, python, "-c", look, path, cwd=course))
        assert given == [scores[student], EXERCISE.max_points]
        assert outputs == ["display_data", "execute_result"]


def test_nbgraders_release_keeps_the_starter(autograded: tuple[Path, dict[str, float]]) -> None:
    cells = json.loads((autograded[0] / "release" / "exercise1" / NAME).read_text())["cells"]
    source = next("".join(x["source"]) for x in cells if "async def order_saga(" in "".join(x["source"]))
    assert "SOLUTION" not in source and "YOUR CODE HERE" not in source
    assert 'return OrderResult(status="completed")' in source


# ---- otter


def test_otter_gives_the_points_that_we_give(tmp_path: Path) -> None:
    python = environment("otter", project=True)
    (tmp_path / "tests").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "tests" / "exercise1.py").write_text(otter.tests(EXERCISE))
    run(python, "otter", "generate", "-t", "tests", "-o", "autograder.zip", "--no-environment", cwd=tmp_path)
    for name, source in (("right", RIGHT), ("wrong", WRONG), ("starter", STARTER), ("broken", "def (")):
        path = tmp_path / f"{name}.ipynb"
        path.write_text(
            json.dumps({"cells": [cell(source)], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
        )
        run(python, "otter", "run", "-a", "autograder.zip", "-o", "out", "--no-logo", path.name, cwd=tmp_path)
        tests = json.loads((tmp_path / "out" / "results.json").read_text())["tests"]
        said = [sum(float(x.get(key) or 0) for x in tests) for key in ("score", "max_score")]
        points = 0 if name == "broken" else points_of(path)
        assert said == [points, EXERCISE.max_points], name


# ---- Gradescope


@pytest.mark.parametrize("name", REPORTS)
def test_our_result_has_the_form_that_gradescope_utils_writes(name: str, tmp_path: Path) -> None:
    """A row of its own, with points, a status, an output and tags, knows every field of ours by type."""
    (tmp_path / "suite.py").write_text(
        "import sys, unittest\n"
        "from gradescope_utils.autograder_utils.decorators import number, tags, visibility, weight\n"
        "from gradescope_utils.autograder_utils.json_test_runner import JSONTestRunner\n"
        "class Suite(unittest.TestCase):\n"
        "    @number('1')\n    @weight(3)\n    @tags('fail')\n    @visibility('visible')\n"
        "    def test_one(self):\n        self.fail('no')\n"
        "JSONTestRunner(visibility='visible', stdout_visibility='hidden', stream=sys.stdout).run(\n"
        "    unittest.TestSuite([Suite('test_one')]))\n"
    )
    python = environment("readers")
    theirs = json.loads(run(python, python, "suite.py", cwd=tmp_path))
    ours = json.loads(gradescope.results(REPORTS[name]))
    of_the_format = {"output", "output_format", "test_output_format", "test_name_format", "extra_data"}
    assert set(ours) - of_the_format <= set(theirs)
    for test in ours["tests"]:
        assert set(test) <= set(theirs["tests"][0])
        for key, value in test.items():
            known = theirs["tests"][0][key]
            assert isinstance(value, int | float if isinstance(known, int | float) else type(known))


def test_the_autograder_grades_where_gradescope_would_without_a_network(tmp_path: Path) -> None:
    """Installed by its own setup.sh; then it runs where there is no network, and its results are ours."""
    with zipfile.ZipFile(io.BytesIO(gradescope.autograder(EXERCISE))) as archive:
        archive.extractall(tmp_path / "source")
    shutil.copy(tmp_path / "source" / "run_autograder", tmp_path)
    (tmp_path / "submission").mkdir()
    place = tmp_path / "submission" / f"{EXERCISE.module}.py"
    environ = os.environ | {"AUTOGRADER": str(tmp_path)}
    subprocess.run(["bash", "source/setup.sh"], cwd=tmp_path, env=environ, check=True, capture_output=True)
    for source in (RIGHT, WRONG, "def ("):
        place.write_text(source)
        alone = ["unshare", "--net"] if is_root() else ["unshare", "--map-current-user", "--net"]
        command = [*alone, "bash", "run_autograder"]
        subprocess.run(command, cwd=tmp_path, env=environ, check=True, capture_output=True)
        told = json.loads((tmp_path / "results" / "results.json").read_text())
        report = grade(1, place, patient=True)
        assert sum(test["score"] for test in told["tests"]) == report.points
        assert sum(test["max_score"] for test in told["tests"]) == EXERCISE.max_points
        assert told == json.loads(gradescope.results(report))


# ---- JUnit


@pytest.mark.parametrize("name", REPORTS)
def test_junitparser_reads_every_verdict_and_the_points(name: str, tmp_path: Path) -> None:
    path = tmp_path / "report.xml"
    path.write_text(junit.xml(REPORTS[name]), encoding="utf-8")
    look = (
        "import json, sys\nfrom junitparser import JUnitXml, Properties\n"
        "suite = next(iter(JUnitXml.fromfile(sys.argv[1])))\n"
        "told = [suite.tests, suite.failures, suite.errors, suite.skipped]\n"
        "suite.update_statistics()\n"
        "again = [suite.tests, suite.failures, suite.errors, suite.skipped]\n"
        "cases = [{x.name: x.value for x in case.child(Properties)} for case in suite]\n"
        "print(json.dumps([told, again, cases]))\n"
    )
    python = environment("readers")
    told, again, cases = json.loads(run(python, python, "-c", look, path, cwd=tmp_path))
    assert told == again and told[0] == len(cases)
    points = [sum(int(x[key]) for x in cases) for key in ("points", "max_points")]
    assert points == [*total(checks(REPORTS[name]))]
