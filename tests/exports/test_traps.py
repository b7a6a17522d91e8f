"""Where other systems give marks for nothing, or fall over: none of it can come from us."""

from __future__ import annotations

import base64
import io
import json
import math
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Tree

import IPython.display
import pytest
from msgspec.structs import replace

import grader
from grader.exercises import EXERCISES, Exercise
from grader.exports import classroom, exercism, gradescope, junit, nbgrader, otter
from grader.exports.checks import checks, total, unfinished
from grader.report import Report
from tests.exports.reports import EXERCISE, FILE, REPORTS, report

ROOT = Path(__file__).parent.parent.parent
every_verdict = pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
every_exercise = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda x: x.module)


# ---- Gradescope


@every_verdict
def test_gradescope_shows_the_total_since_nothing_is_hidden(report: Report) -> None:
    told = json.loads(gradescope.results(report))
    assert told["visibility"] == "visible"
    assert {test["visibility"] for test in told["tests"]} == {"visible"}


@every_verdict
def test_gradescope_need_not_guess_who_passed(report: Report) -> None:
    """Without a status full marks are a pass, and 0 of 0 is full marks."""
    told = json.loads(gradescope.results(report))
    assert "score" not in told, "it would override the sum"
    for test, row in zip(told["tests"], checks(report), strict=True):
        assert test["status"] == ("passed" if row.verdict == "pass" else "failed")
        assert type(test["score"]) is type(test["max_score"]) is int


def test_gradescope_finds_a_result_when_the_grader_is_killed_at_once(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(gradescope.autograder(EXERCISE))) as archive:
        archive.extractall(tmp_path / "source")
    (tmp_path / "grading" / "bin").mkdir(parents=True)
    killed = tmp_path / "grading" / "bin" / "saga-lab"
    killed.write_text("#!/bin/sh\nkill -9 $$\n")
    killed.chmod(0o755)
    run = ["bash", str(tmp_path / "source" / "run_autograder")]
    assert subprocess.run(run, env={"AUTOGRADER": str(tmp_path), "PATH": "/usr/bin:/bin"}).returncode
    told = json.loads((tmp_path / "results" / "results.json").read_text())
    assert (sum(x["score"] for x in told["tests"]), sum(x["max_score"] for x in told["tests"])) == (0, 66)
    assert "broken off" in told["tests"][0]["output"]


@every_exercise
def test_gradescopes_zip_has_its_scripts_at_the_root_and_no_solution(exercise: Exercise) -> None:
    made = gradescope.autograder(exercise)
    assert made == gradescope.autograder(exercise)
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        rights = {x.filename: x.external_attr >> 16 & 0o777 for x in archive.infolist()}
        assert f"--exercise {exercise.number} " in archive.read("run_autograder").decode()
    assert rights["setup.sh"] == rights["run_autograder"] == 0o755
    assert not [x for x in rights if x.startswith(("solutions", "tests", "exercises")) or ".pyc" in x]
    for script in (gradescope.SETUP, gradescope.RUN.format(incomplete="x", number=1)):
        assert subprocess.run(["bash", "-n"], input=script, text=True).returncode == 0


# ---- nbgrader

FORGED = {
    "-1": "full marks: below nought",
    "nan": "full marks: neither above nought nor not",
    "True": "full marks: no number",
    "None": "full marks: no output at all",
    "67.0": "over the most: grading of the notebook fails",
    "inf": "over the most: grading of the notebook fails",
}


def counted(monkeypatch: pytest.MonkeyPatch, given: Report, out_of: float = 66) -> tuple[Any, list[Any]]:
    """What the last line of the cell gives, and what is displayed, when a file has that report."""
    shown: list[Any] = []
    monkeypatch.setattr(grader, "grade", lambda *_, **__: given)
    monkeypatch.setattr(IPython.display, "publish_display_data", shown.append)
    return nbgrader.points(FILE, out_of=out_of), shown


@pytest.mark.parametrize("name", [x for x in REPORTS if x not in ("grader error", "not run, whatever it is")])
def test_nbgrader_gets_a_bare_float_between_nought_and_the_most(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    value, shown = counted(monkeypatch, REPORTS[name])
    assert type(value) is float
    assert re.fullmatch(r"\d+\.0", repr(value)) and repr(value) not in FORGED
    assert 0 <= value <= 66 and value == total(checks(REPORTS[name]))[0]
    assert len(shown) == 1 and "text/html" in shown[0], "the report is shown, and the float is given"


def test_nbgrader_gets_an_error_and_so_nought_when_no_number_is_true(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    over = report("pass")
    over = replace(over, invariants=(replace(over.invariants[0], points=4), *over.invariants[1:]))
    below = replace(over, invariants=(replace(over.invariants[0], points=-99), *over.invariants[1:]))
    for given in (REPORTS["grader error"], REPORTS["not run, whatever it is"], below):
        with pytest.raises(nbgrader.NoPoints):
            counted(monkeypatch, given)
    with pytest.raises(nbgrader.NoPoints, match="made for 66 points, and this Saga Lab gives 67 of 66"):
        counted(monkeypatch, over)
    for out_of in (60, math.nan, math.inf):
        with pytest.raises(nbgrader.NoPoints, match="Make the assignment again"):
            counted(monkeypatch, REPORTS["pass"], out_of)


def test_nbgrader_sees_no_warning_before_the_points(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A line on stderr before the float is nought. This is the cell as a process, warnings on."""
    cell = f"import os; os.chdir({str(ROOT / 'exercises')!r})\n" + test_cell(EXERCISE).replace("ipynb", "py")
    done = subprocess.run([sys.executable, "-W", "always", "-c", cell], cwd=ROOT, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


def test_nbgrader_sees_nothing_that_grading_writes_to_stderr(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def noisy(*_: Any, **__: Any) -> Report:
        import warnings

        warnings.warn("old", DeprecationWarning, stacklevel=1)
        print("noise", file=sys.stderr)
        return REPORTS["fail"]

    monkeypatch.setattr(grader, "grade", noisy)
    monkeypatch.setattr(IPython.display, "publish_display_data", lambda _: None)
    assert nbgrader.points(FILE, out_of=66) == total(checks(REPORTS["fail"]))[0]
    assert capfd.readouterr() == ("", "")


def cells(exercise: Exercise) -> list[dict[str, Any]]:
    notebook = json.loads(nbgrader.assignment(exercise))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_cell(exercise: Exercise) -> str:
    return "".join(cells(exercise)[0]["source"])


test_cell.__test__ = False  # type: ignore[attr-defined]


@every_exercise
def test_nbgraders_cell_runs_before_anything_of_the_learners(exercise: Exercise) -> None:
    """A kernel that the learner's code has ended leaves the cell without output, which is full marks."""
    first, *others = cells(exercise)
    kinds = {"schema_version": 3, "task": False}
    assert first["metadata"]["nbgrader"] == kinds | {
        **{"grade": True, "locked": True, "solution": False},
        **{"grade_id": "points", "points": exercise.max_points},
    }
    marked = [cell for cell in others if cell["metadata"]]
    assert [cell["metadata"]["nbgrader"] for cell in marked] == [
        kinds | {"grade": False, "locked": False, "solution": True, "grade_id": "saga"}
    ]
    assert f"async def {exercise.function}(" in "".join(marked[0]["source"])


@every_exercise
def test_nbgraders_cell_ends_in_the_points_and_no_semicolon_silences_them(exercise: Exercise) -> None:
    last = test_cell(exercise).splitlines()[-1]
    assert last == f'points("{exercise.module}.ipynb", out_of={exercise.max_points})'


@every_exercise
def test_nbgrader_leaves_the_starter_as_it_is(exercise: Exercise) -> None:
    """It replaces a solution cell in which no region is marked."""
    source = next("".join(x["source"]) for x in cells(exercise)[1:] if x["metadata"])
    starter, _, rest = source.partition("\n\n\n### BEGIN SOLUTION\n")
    assert rest == "### END SOLUTION"
    notebook = json.loads((ROOT / "notebooks" / f"{exercise.module}.ipynb").read_text())
    assert starter in ["".join(cell["source"]) for cell in notebook["cells"]]


# ---- otter


@every_exercise
def test_otters_cases_have_names_and_points_of_their_own_and_none_is_hidden(exercise: Exercise) -> None:
    source = otter.tests(exercise)
    assert "\nOK_FORMAT = False\n" in source
    functions, names = re.findall(r"def (\w+)\(", source), re.findall(r'name="([^"]+)", points', source)
    assert len(set(functions)) == len(functions) == len(set(names)) == exercise.max_points
    assert source.count("hidden=False") == len(functions), "an absent word would hide it, in one format"


@pytest.mark.parametrize("name", [x for x in REPORTS if x.startswith(("fail", "unk", "not run", "grader"))])
def test_otter_counts_a_point_only_on_proof(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("async def order_saga(saga, order, shop): ...\n")
    given = replace(REPORTS[name], exercise=1)
    monkeypatch.setattr(otter, "grade", lambda *_, **__: given)
    otter._graded.clear()
    points, reasons = 0, []
    for call in re.findall(r"    won\((.*)\)", otter.tests(EXERCISE)):
        number, id, medal = json.loads(f"[{call}]")
        try:
            otter.won(number, id, medal)
            points += 1
        except AssertionError as reason:
            reasons.append(str(reason))
    otter._graded.clear()
    assert points == given.points == 66 - len(reasons) < 66
    assert all(len(reason) > 20 for reason in reasons)


def test_otter_tells_when_there_is_nothing_to_grade(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AssertionError, match="Hand in exercise1_ecommerce_order"):
        otter.won(1, "E1-S1", "bronze")


# ---- JUnit


@every_verdict
def test_junit_is_green_for_a_pass_alone(report: Report) -> None:
    suite = Tree.fromstring(junit.xml(report).encode())[0].attrib
    red = int(suite["failures"]) + int(suite["errors"])
    assert (red == 0) == (report.verdict == "pass")
    assert int(suite["errors"]) == 0 or report.verdict != "fail"


def test_junit_has_what_pytest_writes_but_neither_host_nor_time(tmp_path: Path) -> None:
    out = tmp_path / "pytest.xml"
    words = ["-m", "pytest", "-p", "no:cacheprovider", "grader", "--exercise", "1", f"--junitxml={out}"]
    starter = ROOT / "exercises" / FILE
    subprocess.run([sys.executable, *words, "--submission", starter], cwd=ROOT, capture_output=True)
    known: dict[str, set[str]] = {"property": {"name", "value"}, "properties": set(), "error": {"message"}}
    for element in Tree.parse(out).iter():
        known.setdefault(element.tag, set()).update(element.attrib)
    for given in REPORTS.values():
        for element in Tree.fromstring(junit.xml(given).encode()).iter():
            assert set(element.attrib) <= known[element.tag] - {"hostname", "timestamp", "time"}


# ---- GitHub Classroom


@pytest.mark.parametrize("given", [*REPORTS.values(), unfinished(None, "x"), unfinished(None, FILE)])
def test_classroom_always_finds_tests_of_equal_worth_and_a_most(given: Report) -> None:
    told = json.loads(classroom.graded(given))
    assert told["version"] == 1 and told["tests"] and told["max_score"] == len(told["tests"])
    passed = [test["status"] == "pass" for test in told["tests"]]
    assert sum(passed) / len(passed) * told["max_score"] == sum(test["score"] for test in told["tests"])
    assert told["status"] == {"pass": "pass", "fail": "fail", "unknown": "fail"}.get(given.verdict, "error")
    assert all(test["message"] for test in told["tests"] if test["status"] != "pass")


# ---- Exercism


@every_verdict
def test_exercism_hears_error_only_when_nothing_ran_and_then_why(report: Report) -> None:
    told = json.loads(exercism.results(report))
    assert told["version"] == 3
    assert (told["status"] == "error") == (not report.invariants)
    assert told["status"] != "error" or told["message"]
    assert (told["status"] == "pass") == (report.verdict == "pass")
    assert [x["name"][: len(y.id)] for x, y in zip(told["tests"], report.invariants, strict=True)] == [
        x.id for x in report.invariants
    ]
    for test in told["tests"]:
        assert test["test_code"] and (test["status"] == "pass") == ("message" not in test)


def test_exercism_gets_no_message_that_is_too_long_and_is_told_of_the_cut() -> None:
    endless = Report(1, EXERCISE.title, FILE, "not run", problem="x" * 99_999)
    told = json.loads(exercism.results(endless))
    assert len(told["message"]) == exercism.LONGEST
    assert told["message"].endswith("longer than a message may be)")


def test_classroom_reads_the_line_that_stands_last() -> None:
    """`$GITHUB_OUTPUT` may name an output twice; so the first line is for a grading that is killed."""
    lines = [classroom.result(x) for x in (unfinished(1, FILE), REPORTS["pass"])]
    told = [json.loads(base64.b64decode(line.partition("=")[2])) for line in lines]
    assert [x["status"] for x in told] == ["error", "pass"]
    assert told[0]["max_score"] == told[1]["max_score"]
