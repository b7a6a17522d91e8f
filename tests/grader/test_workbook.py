"""The working copy: what is the reader's own is never touched, and never lost."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from grader import launch, workbook
from grader.cli import main
from grader.exercises import EXERCISES, Exercise
from grader.workbook import FIRST, Refusal, init, reset, usual

STARTER = "exercise1_ecommerce_order.py"
NOTEBOOK = "exercise1_ecommerce_order.ipynb"


def notebook(text: str, *outputs: dict[str, object], count: int | None = None) -> str:
    cell = {"cell_type": "code", "source": text, "execution_count": count, "outputs": list(outputs)}
    return (
        json.dumps(
            {"cells": [{"cell_type": "markdown", "source": "Über"}, cell]}, indent=1, ensure_ascii=False
        )
        + "\n"
    )


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small checkout; the current folder is beside it."""
    root = tmp_path / "checkout"
    for folder in ("notebooks", "exercises", "solutions"):
        (root / folder).mkdir(parents=True)
    (root / "notebooks" / FIRST).write_text(notebook("the first notebook"))
    (root / "notebooks" / NOTEBOOK).write_text(notebook("the notebook of exercise 1"))
    (root / "exercises" / STARTER).write_text("the starter")
    (root / "solutions" / STARTER).write_text("the solution")
    monkeypatch.setattr(workbook, "ROOT", root)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return root


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.name != workbook.MARK}


def test_a_new_copy_holds_notebooks_and_starters_but_no_solution(checkout: Path):
    init(Path("mine/deep"))
    assert contents(Path("mine/deep")) == {
        FIRST: notebook("the first notebook"),
        NOTEBOOK: notebook("the notebook of exercise 1"),
        STARTER: "the starter",
    }


def test_a_notebook_of_a_new_copy_has_not_been_run(checkout: Path):
    ran = notebook("the first notebook", {"output_type": "stream", "text": "the answer"}, count=7)
    (checkout / "notebooks" / FIRST).write_text(ran)
    init(Path("mine"))
    assert Path("mine", FIRST).read_text() == notebook("the first notebook")


def test_an_empty_folder_becomes_a_copy(checkout: Path):
    Path("mine").mkdir()
    init(Path("mine"))
    assert set(contents(Path("mine"))) == {FIRST, NOTEBOOK, STARTER}


def test_a_second_init_adds_what_is_missing_and_keeps_what_was_changed(checkout: Path):
    init(Path("mine"))
    Path("mine", STARTER).write_text("my own work")
    Path("mine", FIRST).unlink()
    (checkout / "notebooks" / "01_new.ipynb").write_text(notebook("a new chapter"))
    said = init(Path("mine"))
    assert contents(Path("mine")) == {
        "01_new.ipynb": notebook("a new chapter"),
        FIRST: notebook("the first notebook"),
        NOTEBOOK: notebook("the notebook of exercise 1"),
        STARTER: "my own work",
    }
    assert f"kept   {STARTER}, which is yours" in said
    assert f"added  {FIRST}" in said


def test_a_folder_with_other_things_is_refused_and_left_alone(checkout: Path):
    Path("thesis").mkdir()
    Path("thesis/chapter1.txt").write_text("mine")
    with pytest.raises(Refusal, match="thesis holds other things"):
        init(Path("thesis"))
    assert contents(Path("thesis")) == {"chapter1.txt": "mine"}


def test_the_project_itself_is_no_place_for_a_copy(checkout: Path):
    for folder in (checkout, checkout / "exercises", checkout / "notebooks"):
        with pytest.raises(Refusal, match="holds other things"):
            init(folder)


def test_a_file_is_no_folder(checkout: Path):
    Path("mine").write_text("a file")
    with pytest.raises(Refusal, match="mine is a file"):
        init(Path("mine"))


def test_a_reset_restores_starter_and_notebook_and_keeps_every_earlier_version(checkout: Path):
    init(Path("mine"))
    for version in ("first try", "second try"):
        Path("mine", STARTER).write_text(version)
        Path("mine", NOTEBOOK).write_text(version)
        reset(1, Path("mine"))
    assert contents(Path("mine")) == {
        FIRST: notebook("the first notebook"),
        STARTER: "the starter",
        NOTEBOOK: notebook("the notebook of exercise 1"),
        "exercise1_ecommerce_order.kept-1.py": "first try",
        "exercise1_ecommerce_order.kept-2.py": "second try",
        "exercise1_ecommerce_order.kept-1.ipynb": "first try",
        "exercise1_ecommerce_order.kept-2.ipynb": "second try",
    }


def test_a_reset_keeps_no_copy_of_what_was_never_changed(checkout: Path):
    init(Path("mine"))
    before = contents(Path("mine"))
    assert reset(1, Path("mine")) == [f"as it was  {NOTEBOOK}", f"as it was  {STARTER}"]
    assert contents(Path("mine")) == before


def test_a_reset_brings_back_what_was_deleted(checkout: Path):
    init(Path("mine"))
    Path("mine", STARTER).unlink()
    assert f"restored   {STARTER}" in reset(1, Path("mine"))
    assert Path("mine", STARTER).read_text() == "the starter"


def test_a_reset_touches_no_other_file(checkout: Path):
    init(Path("mine"))
    Path("mine", FIRST).write_text("my notes")
    reset(1, Path("mine"))
    assert Path("mine", FIRST).read_text() == "my notes"


def test_a_reset_finds_the_usual_copy_or_the_one_it_stands_in(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
):
    init(Path("workbook"))
    Path("workbook", STARTER).write_text("one")
    reset(1, usual())
    monkeypatch.chdir("workbook")
    Path(STARTER).write_text("two")
    reset(1, usual())
    assert Path("exercise1_ecommerce_order.kept-1.py").read_text() == "one"
    assert Path("exercise1_ecommerce_order.kept-2.py").read_text() == "two"


def test_a_reset_outside_a_working_copy_is_refused(checkout: Path):
    Path(STARTER).write_text("not in a working copy")
    with pytest.raises(Refusal, match="no working copy"):
        reset(1, usual())
    assert Path(STARTER).read_text() == "not in a working copy"


def test_an_unknown_exercise_is_refused(checkout: Path):
    init(Path("mine"))
    with pytest.raises(Refusal, match="There is no exercise 7"):
        reset(7, Path("mine"))


def test_without_a_checkout_it_says_so_and_makes_nothing(checkout: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(workbook, "ROOT", checkout / "solutions")
    with pytest.raises(Refusal, match="come with a checkout"):
        init(Path("mine"))
    assert not Path("mine").exists()


def test_the_commands_do_it_and_say_what_they_did(checkout: Path):
    run = CliRunner().invoke(main, ["init", "workbook"])
    assert (run.exit_code, f"added  {STARTER}" in run.output) == (0, True)
    Path("workbook", STARTER).write_text("my own work")
    run = CliRunner().invoke(main, ["reset", "1"])
    assert (run.exit_code, "kept-1.py, which is what you had" in run.output) == (0, True)
    run = CliRunner().invoke(main, ["reset", "1", "--folder", "nowhere"])
    assert (run.exit_code, "nowhere is no working copy" in run.output) == (2, True)


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda exercise: exercise.module)
def test_the_real_checkout_gives_starters_and_notebooks_and_no_solution(exercise: Exercise, tmp_path: Path):
    init(tmp_path / "mine")
    starter = tmp_path / "mine" / f"{exercise.module}.py"
    given = starter.read_text()
    assert given == (workbook.ROOT / "exercises" / starter.name).read_text()
    assert given != (workbook.ROOT / "solutions" / starter.name).read_text()
    starter.unlink()
    said = reset(exercise.number, tmp_path / "mine")
    assert said == [f"as it was  {exercise.module}.ipynb", f"restored   {starter.name}"]


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str], dict[str, str]]]:
    """What `lab` would become."""
    seen: list[tuple[str, list[str], dict[str, str]]] = []
    monkeypatch.setattr(os, "execve", lambda *given: seen.append(given))
    return seen


def test_lab_makes_the_copy_and_opens_its_first_notebook(checkout: Path, executed: list):
    run = CliRunner().invoke(main, ["lab", "workbook", "--no-browser", "--port", "8890"])
    assert f"added  {FIRST}" in run.output
    [(_, command, environment)] = executed
    assert f"--LabApp.default_url=/lab/tree/{FIRST}" in command
    assert f"--ServerApp.root_dir={Path('workbook').resolve()}" in command
    assert command[-3:] == ["--no-browser", "--port", "8890"]
    assert environment["PATH"].split(os.pathsep)[0] == str(Path(command[0]).parent)


def test_lab_without_a_folder_takes_the_copy_it_stands_in_or_makes_the_usual_one(
    checkout: Path, executed: list, monkeypatch: pytest.MonkeyPatch
):
    for _ in range(2):
        CliRunner().invoke(main, ["lab", "--no-browser"])
        monkeypatch.chdir(workbook.usual())
    assert Path.cwd() == checkout.parent / "elsewhere" / "workbook"
    for _, command, _ in executed:
        assert f"--ServerApp.root_dir={Path.cwd()}" in command
        assert command[-1] == "--no-browser"


def test_lab_overwrites_nothing_and_adds_what_an_update_brought(checkout: Path, executed: list):
    init(Path("workbook"))
    Path("workbook", STARTER).write_text("my own work")
    (checkout / "notebooks" / "01_new.ipynb").write_text(notebook("a new chapter"))
    run = CliRunner().invoke(main, ["lab", "workbook"])
    assert Path("workbook", STARTER).read_text() == "my own work"
    assert run.output.splitlines()[0] == "added  01_new.ipynb"


def test_lab_asks_for_no_network_and_no_news(tmp_path: Path):
    command = launch.command(tmp_path, [])
    assert "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate" in command
    assert f"--LabApp.app_settings_dir={launch.SETTINGS}" in command
    settings = json.loads((launch.SETTINGS / "overrides.json").read_text())
    assert settings["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"


def test_lab_may_be_opened_as_root_and_does_not_ask_for_it_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    assert "--allow-root" in launch.command(tmp_path, [])
    monkeypatch.setattr(os, "geteuid", lambda: 501, raising=False)
    assert "--allow-root" not in launch.command(tmp_path, [])
