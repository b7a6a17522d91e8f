"""saga-lab export, as it is typed: what it writes, when, and how it ends."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Tree

import pytest
from click.testing import CliRunner, Result

from grader.cli import main
from grader.cli.exporting import export
from grader.exports.folder import handed_in
from grader.gradebook import Gradebook
from grader.submission import CannotRun
from tests.exports.reports import FILE, REPORTS

ROOT = Path(__file__).parent.parent.parent
STARTER = ROOT / "exercises" / "exercise2_money_transfer.py"


def run(*words: str | Path | int) -> Result:
    return CliRunner().invoke(main, ["export", *map(str, words)])


@pytest.mark.parametrize("command", sorted(export.commands))
def test_help_teaches_each_export(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) > 10


def test_every_format_tells_the_points_of_the_report_it_is_made_from(tmp_path: Path) -> None:
    saved = tmp_path / "report.json"
    saved.write_text(CliRunner().invoke(main, ["grade", "--quick", "--json", str(STARTER)]).stdout)
    report = json.loads(saved.read_text())
    points = report["points"], report["max_points"]
    assert 0 < points[0] < points[1]
    tests = json.loads(run("gradescope", saved).stdout)["tests"]
    assert (sum(x["score"] for x in tests), sum(x["max_score"] for x in tests)) == points
    assert run("gradescope", STARTER, "--quick").stdout == run("gradescope", saved).stdout
    said = Tree.fromstring(run("junit", saved).stdout.encode())[0].findall("properties/property")
    assert [int(x.attrib["value"]) for x in said[:2]] == [*points]
    first, last = run("classroom", saved).stdout.splitlines()
    told = [json.loads(base64.b64decode(x.partition("=")[2])) for x in (first, last)]
    assert [x["status"] for x in told] == ["error", "fail"]
    assert (sum(x["score"] for x in told[1]["tests"]), told[1]["max_score"]) == points
    assert json.loads(run("exercism", saved).stdout)["status"] == "fail"


def test_a_valid_result_is_there_while_it_is_graded_and_whatever_comes_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, before = tmp_path / "results.json", []

    def killed(*_: Any, **__: Any) -> None:
        before.append(json.loads(out.read_text()))
        raise KeyboardInterrupt

    monkeypatch.setattr("grader.cli.exporting.graded", killed)
    assert run("gradescope", STARTER, "--out", out).exit_code != 0
    assert before == [json.loads(out.read_text())]
    assert sum(x["max_score"] for x in before[0]["tests"]) == 60, "the file's name says which exercise it is"
    assert [*tmp_path.iterdir()] == [out]


def test_an_error_of_the_grader_is_a_result_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise KeyError("history")

    monkeypatch.setattr("grader.cli.telling.grade", broken)
    out = tmp_path / "results.json"
    assert run("gradescope", STARTER, "--out", out).exit_code == 0
    told = json.loads(out.read_text())
    assert told["extra_data"]["verdict"] == "grader error"
    assert "the grader itself failed" in told["tests"][0]["output"]


@pytest.mark.parametrize("name", ["exercise2_money_transfer.py", "mine.py"])
def test_a_folder_with_one_submission_is_as_good_as_the_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.py").write_text("x = 1\n")
    shutil.copy(STARTER, tmp_path / name)
    told = json.loads(run("exercism", tmp_path, "--exercise", 2, "--quick").stdout)
    assert (told["status"], len(told["tests"])) == ("fail", 24)


def test_a_folder_with_none_or_with_two_is_told_what_to_hand_in(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="neither a"):
        handed_in(tmp_path, 2)
    for name in ("one.py", "two.py"):
        shutil.copy(STARTER, tmp_path / name)
    with pytest.raises(CannotRun, match="Which of these is to be graded"):
        handed_in(tmp_path, 2)
    told = json.loads(run("gradescope", tmp_path, "--exercise", 2).stdout)
    assert "one.py, two.py" in told["tests"][0]["output"]
    assert sum(x["max_score"] for x in told["tests"]) == 60


def test_what_is_no_report_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("{}")
    result = run("junit", tmp_path / "report.json")
    assert result.exit_code == 2 and "saga-lab grade FILE --json" in result.stderr


def test_an_assignment_is_never_written_over(tmp_path: Path) -> None:
    assert run("nbgrader", 3, tmp_path).exit_code == 0
    again = run("nbgrader", 3, tmp_path)
    assert again.exit_code == 2 and "is there already" in again.stderr
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\n")
    assert "c.Execute.timeout = 900" in run("nbgrader", 4, tmp_path).stdout
    assert (tmp_path / "nbgrader_config.py").read_text() == "c = get_config()\n"


def test_otters_file_has_the_name_by_which_otter_finds_it(tmp_path: Path) -> None:
    assert run("otter", 1, tmp_path / "saga.py").exit_code == 2
    assert run("otter", 1, tmp_path / "tests" / "exercise1.py").exit_code == 0
    assert (tmp_path / "tests" / "exercise1.py").exists()


def test_the_autograder_is_a_zip_to_upload(tmp_path: Path) -> None:
    result = run("autograder", 5, tmp_path / "exercise5.zip")
    assert result.exit_code == 0 and "give the exercise 72 points" in result.stdout
    assert (tmp_path / "exercise5.zip").read_bytes()[:2] == b"PK"


def test_the_marks_of_a_class_are_what_counts_in_its_gradebook(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/gradebook.db"
    book = Gradebook(url)
    for learner, name, given in (
        ("a1", "Ada", "singles only"),
        ("b2", "Bo", "grader error"),
        ("c3", "Cy", ""),
    ):
        book.enrol(learner, name)
        if given:
            book.hand_in(learner, 1, FILE, given.encode())
            attempt = book.claim("here")
            assert attempt is not None
            book.settle(attempt, REPORTS[given], "0.1", 1.0)
    book.override("b2", 2, 7, "seen in class")
    book.close()
    points = REPORTS["singles only"].points
    rows = run("canvas", "--gradebook", url).stdout.splitlines()[2:]
    assert rows == [f"Ada,,a1,a1,,{points},,,,,", "Bo,,b2,b2,,,7,,,,", "Cy,,c3,c3,,,,,,,"]
    assert run("moodle", "--gradebook", url, "--out", tmp_path / "marks.csv").exit_code == 0
    assert (tmp_path / "marks.csv").read_text().splitlines()[1:] == [
        *(f"a1,Ada,{points},,,,,", "b2,Bo,,7,,,,", "c3,Cy,,,,,,")
    ]
