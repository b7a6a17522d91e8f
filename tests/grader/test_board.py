"""The board keeps what was reached, loses nothing, and says what is next."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from grader import board, doctor, handout, sandbox, workbook
from grader.cli import main
from grader.loop import versions
from grader.progress import FILE, Reached, keep, read
from grader.report import Report
from grader.sandbox import Sandbox

ROOT = Path(__file__).parent.parent.parent
SOLUTION = ROOT / "solutions" / "exercise1_ecommerce_order.py"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A working copy."""
    workbook.init(tmp_path / "mine")
    return tmp_path / "mine"


def graded(exercise: int, points: int, medal: str | None = None) -> Report:
    return Report(exercise, "", "", "fail", medal=medal, points=points, max_points=60)  # type: ignore[arg-type]


def test_the_best_of_an_exercise_stands(copy: Path) -> None:
    for points, medal in ((10, None), (40, "silver"), (20, "bronze")):
        keep(graded(2, points, medal), copy)
    assert read(copy) == {2: Reached("silver", 40, 60)}


def test_what_this_version_does_not_know_is_kept(copy: Path) -> None:
    old = "# mine\nexercise 9  gold  1 of 1\nE9-S7  pass\nsome other thing\n"
    (copy / FILE).write_text(old)
    keep(graded(1, 3), copy)
    lines = (copy / FILE).read_text().splitlines()
    assert {*old.splitlines()[1:], "exercise 1  none  3 of 60"} <= {*lines}


def test_a_broken_file_of_progress_is_no_reason_not_to_grade(copy: Path) -> None:
    (copy / FILE).write_bytes(b"\xff\xfe\0exercise 1  gold")
    assert read(copy) == {}
    keep(graded(1, 3), copy)
    assert read(copy) == {1: Reached(None, 3, 60)}


def test_nothing_is_written_outside_a_working_copy_nor_when_nothing_ran(tmp_path: Path, copy: Path) -> None:
    keep(graded(1, 3), tmp_path)
    keep(Report(1, "", "", "not run"), copy)
    assert not (tmp_path / FILE).exists() and not (copy / FILE).exists()


def test_a_grade_on_the_command_line_is_seen_on_the_board(copy: Path) -> None:
    (copy / SOLUTION.name).write_bytes(SOLUTION.read_bytes())
    CliRunner().invoke(main, ["grade", str(copy / SOLUTION.name), "--quick"])
    told = CliRunner().invoke(main, ["board", str(copy)]).output.splitlines()
    assert told[0] == "▲◆·  Exercise 1 · E-commerce order       44/66  silver"
    assert told[1].startswith("···  Exercise 2") and told[1].endswith("not graded yet")
    assert told[-1] == "Next: saga-lab grade exercise1_ecommerce_order.py, until it is gold"
    assert "E1-S1  pass" in (copy / FILE).read_text().splitlines()
    assert "<td>▲◆·</td><td>Exercise 1 · E-commerce order</td>" in board(copy)._repr_html_()


def test_the_board_says_what_is_next(copy: Path) -> None:
    assert board(copy).next == "Next: exercise1_ecommerce_order.ipynb"
    keep(graded(1, 3), copy)
    assert board(copy).next == "Next: saga-lab hint exercise1_ecommerce_order.py"
    for number in range(1, 7):
        keep(graded(number, 60, "gold"), copy)
    assert board(copy).next == "All is gold. Next: break somebody else's saga."


# ---- watch


def test_a_file_is_graded_when_it_changes_when_asked_and_not_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "saga.py"
    does = [
        lambda: path.write_text("one"),
        lambda: None,
        lambda: path.write_text("two"),
        lambda: path.unlink(),
        lambda: path.write_text("two"),
        lambda: True,  # the return key
    ]

    def wait(seconds: float) -> bool:
        if not does:
            raise EOFError
        return does.pop(0)() is True

    assert [*versions(path, wait)] == [None, b"one", b"two", None, b"two", b"two"]


# ---- doctor


def test_the_doctor_finds_this_machine_well_enough_to_grade() -> None:
    found = {x.name: x for x in doctor.examine()}
    assert all(x.well for x in found.values() if x.needed)
    assert found["grading"].seen == "the starter fails, as it must"
    told = CliRunner().invoke(main, ["doctor"])
    assert told.exit_code == 0 and told.output.startswith("✓ Python")


def test_the_doctor_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "best", lambda: Sandbox("limits only"))
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(main, ["doctor"]).output
    assert f"! sandbox       {sandbox.IN_WORDS['limits only']}" in told
    assert "apt install bubblewrap" in told
    assert "! notebooks     0 of them" in told and "Clone the project" in told
    assert "! working copy  none here" in told and "`saga-lab lab` makes one" in told


# ---- what is handed out


def test_a_hand_out_has_all_that_students_need_and_no_solution(tmp_path: Path) -> None:
    told = CliRunner().invoke(main, ["release", str(tmp_path / "course")])
    assert told.exit_code == 0, told.output
    given = {path.relative_to(tmp_path / "course").as_posix() for path in (tmp_path / "course").rglob("*")}
    assert {"Makefile", "README.md", "grader/judge.py", "exercises/exercise6_data_migration.py"} <= given
    assert not any(path.startswith(("solutions", "tests")) for path in given)
    workbook_of = [path for path in given if path.startswith("notebooks/exercise")]
    assert len(workbook_of) == 6


def test_a_solution_in_disguise_keeps_the_hand_out_from_being_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = tmp_path / "project"
    handout.release(course)
    (course / "solutions").mkdir()
    (course / "solutions" / SOLUTION.name).write_bytes(SOLUTION.read_bytes())
    (course / "docs" / "forms.md").write_bytes(SOLUTION.read_bytes())
    monkeypatch.setattr(handout, "ROOT", course)
    with pytest.raises(workbook.Refusal, match=r"a solution stands in docs/forms\.md"):
        handout.release(tmp_path / "given")
    assert not (tmp_path / "given").exists()


def test_a_folder_that_is_there_is_not_mixed_up(tmp_path: Path) -> None:
    (tmp_path / "old.txt").touch()
    told = CliRunner().invoke(main, ["release", str(tmp_path)])
    assert (told.exit_code, "Choose a new folder" in told.output) == (2, True)
