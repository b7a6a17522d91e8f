"""grade-all and backup, as they are typed: real files, real processes, and one cluster."""

from __future__ import annotations

import csv
import json
import os
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from distributed import LocalCluster

from grader.batch import How, grade_all, grading, take
from grader.batch.dask import executors
from grader.cli import main, teaching
from grader.exercises import EXERCISES
from grader.gradebook import Gradebook
from grader.sandbox import NoSandbox
from saga_lab.journals.database import database
from tests.batch.conftest import FIRST, SECOND, Class

ROOT = Path(__file__).parents[2]
STARTERS, SOLUTIONS, CORPUS = ROOT / "exercises", ROOT / "solutions", ROOT / "tests" / "corpus"


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where the commands are typed."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def course(here: Path, a_class: Class) -> Path:
    """Three learners: one has solved two exercises, one is wrong or broken, one has only begun."""
    solved, begun = (SOLUTIONS / FIRST).read_text(), (STARTERS / FIRST).read_text()
    wrong = next((CORPUS / "exercise1" / "wrong").glob("M-G04_*.py")).read_text()
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "execution_count": None}
    book = {"cells": [{**cell, "source": begun}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return a_class(
        ada={FIRST: solved, SECOND: (SOLUTIONS / SECOND).read_text()},
        bert={FIRST: wrong, SECOND: "async def transfer_saga(:\n"},
        carol={FIRST.replace(".py", ".ipynb"): json.dumps(book)},
    )


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


VERDICTS = [
    ("ada", "1", "pass"),
    ("ada", "2", "pass"),
    ("bert", "1", "fail"),
    ("bert", "2", "not run"),
    ("carol", "1", "fail"),
]


def table(path: Path) -> list[dict[str, str]]:
    """The lines of a table, by the names of its columns."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def verdicts(path: Path) -> list[tuple[str, str, str]]:
    return [(line["learner"], line["exercise"], line["verdict"]) for line in table(path)]


# ---- the same, however it is done


@pytest.fixture
def serial(here: Path, course: Path) -> dict[str, bytes]:
    """What one worker writes, with a gradebook of its own."""
    words = ("--gradebook", "sqlite:///serial.db", "--csv", "serial.csv", "--json-dir", "serial")
    result = run("grade-all", course, "--quick", "--workers", "1", *words)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "5 files of 3 learners: 5 graded, 0 as they were.",
        "  2 fail, 1 not run, 2 pass",
    ]
    assert verdicts(here / "serial.csv") == VERDICTS
    return {**files(here / "serial"), "csv": (here / "serial.csv").read_bytes()}


def test_parallel_output_is_serial_output_byte_for_byte(
    here: Path, course: Path, serial: dict[str, bytes]
) -> None:
    words = ("--quick", "--workers", "3", "--csv", "out.csv", "--json-dir", "out")
    assert run("grade-all", course, *words).exit_code == 0
    assert {**files(here / "out"), "csv": (here / "out.csv").read_bytes()} == serial
    for name in ("out.csv", "out"):
        os.rename(name, f"before.{name}")
    again = run("grade-all", course, *words)
    assert again.stdout.startswith("5 files of 3 learners: 0 graded, 5 as they were.")
    assert {**files(here / "out"), "csv": (here / "out.csv").read_bytes()} == serial
    forced = run("grade-all", course, *words, "--all")
    assert forced.stdout.startswith("5 files of 3 learners: 5 graded, 0 as they were.")
    assert {**files(here / "out"), "csv": (here / "out.csv").read_bytes()} == serial


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """Two worker processes of Dask, which nannies bring back when they die."""
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        yield cluster


def test_a_cluster_gives_the_same_byte_for_byte(
    here: Path, course: Path, serial: dict[str, bytes], cluster: LocalCluster
) -> None:
    words = ("--quick", "--csv", "out.csv", "--json-dir", "out", "--dask", cluster.scheduler_address)
    result = run("grade-all", course, *words)
    assert result.exit_code == 0, result.output
    assert {**files(here / "out"), "csv": (here / "out.csv").read_bytes()} == serial


def test_a_worker_of_the_cluster_may_be_killed(here: Path, course: Path, cluster: LocalCluster) -> None:
    killed: list[int] = []

    def kill(attempt: object) -> None:
        if not killed:
            killed.append(cluster.workers[0].process.pid)
            os.kill(killed[0], signal.SIGKILL)

    with closing(Gradebook()) as book, executors(cluster.scheduler_address) as (make, threads):
        taken = take(sorted(course.iterdir()), book, str)
        numbers = [attempt.number for attempt in taken.attempts]
        grade_all(numbers, book, How(quick=True), make, threads, ready=kill, grader="me")
        found = [(x.learner, str(x.exercise), x.verdict) for x in book.attempts()]
    assert killed and found == VERDICTS


def test_a_cluster_that_is_not_there_is_told(
    here: Path, course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.batch.dask.PATIENCE", 0.1)
    result = run("grade-all", course, "--dask", "tcp://127.0.0.1:1")
    assert result.exit_code == 2
    assert "no Dask scheduler at tcp://127.0.0.1:1" in result.stderr and "Nothing was graded" in result.stderr


# ---- what is written


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch, quick_grader: list[str]) -> list[str]:
    """One thread grades, by what stands in the file."""
    from concurrent.futures import ThreadPoolExecutor

    monkeypatch.setattr("grader.batch.local_processes", lambda workers: ThreadPoolExecutor(1))
    return quick_grader


def test_files_are_valid_before_anything_is_graded(
    here: Path, a_class: Class, by_hand: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    graded = grading.grade

    def look(*what: object, **how: object) -> object:
        report = json.loads((here / "out" / "ada" / FIRST.replace(".py", ".json")).read_text())
        seen.append((report["verdict"], report["problem"], table(here / "out.csv")[0]["verdict"]))
        return graded(*what, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(grading, "grade", look)
    assert (
        run("grade-all", a_class(ada={FIRST: "10"}), "--csv", "out.csv", "--json-dir", "out").exit_code == 0
    )
    assert seen == [("not run", "It was received, and is not graded yet.", "not run")]
    (line,) = table(here / "out.csv")
    assert (line["verdict"], line["points"], line["max_points"]) == ("pass", "10", "66")


def test_without_names_no_file_knows_them(here: Path, a_class: Class, by_hand: list[str]) -> None:
    (here / "key").write_bytes(b"k" * 32)
    folder = a_class(adalovelace={FIRST: "10"}, bertbrecht={FIRST: "20", SECOND: "boom"}, carolshaw={})
    (folder / "carolshaw" / SECOND).symlink_to(here / "key")
    words = ("--anonymous", "key", "--csv", "out.csv", "--json-dir", "out")
    result = run("grade-all", folder, *words)
    assert result.exit_code == 3
    written = {**files(here / "out"), **{x.name: x.read_bytes() for x in here.glob("*.*")}}
    assert {"gradebook.db", "out.csv"} < {*written}
    everything = b"".join([*written.values(), *(name.encode() for name in written), result.output.encode()])
    for name in (b"adalovelace", b"bertbrecht", b"carolshaw"):
        assert name not in everything
    assert run("grade-all", folder, *words).stdout.startswith("3 files of 2 learners: 1 graded"), (
        "the error alone"
    )


def test_a_table_holds_no_formulas(here: Path, a_class: Class, by_hand: list[str]) -> None:
    run("grade-all", a_class(**{"=1+1": {FIRST: "10"}, "@x": {FIRST: "10"}}), "--csv", "out.csv")
    assert [line["learner"] for line in table(here / "out.csv")] == ["'=1+1", "'@x"]


def test_the_exit_code_tells_what_came_of_it(here: Path, a_class: Class, by_hand: list[str]) -> None:
    folder = a_class(ada={FIRST: "10"})
    assert run("grade-all", folder).exit_code == 0
    (folder / "ada" / FIRST.replace(".py", ".ipynb")).write_text("10")
    result = run("grade-all", folder)
    assert result.exit_code == 1
    assert f"Not taken: ada, {FIRST}: there is" in result.stderr
    (folder / "ada" / SECOND).write_text("boom")
    result = run("grade-all", folder)
    assert result.exit_code == 3
    assert f"by an error of the grader's own: ada, {SECOND} (attempt 2)" in result.stderr


# ---- what cannot be


def test_what_is_no_class_is_told(here: Path, a_class: Class) -> None:
    for words in (["none"], [a_class(ada={FIRST: "10"}) / "ada" / FIRST]):
        result = run("grade-all", *words)
        assert result.exit_code == 2 and "a folder for each learner" in result.stderr
    assert not (here / "gradebook.db").exists()


def test_a_gradebook_that_cannot_be_used_is_told(here: Path, a_class: Class, by_hand: list[str]) -> None:
    folder = a_class(ada={FIRST: "10"})
    (here / "letter.txt").write_text("Dear bank, " * 100)
    for url, words in (("sqlite:///letter.txt", "no SQLite database"), ("gradebook.db", "no database URL")):
        result = run("grade-all", folder, "--gradebook", url)
        assert result.exit_code == 2 and words in result.stderr and "Traceback" not in result.output
    Gradebook().close()
    with closing(database("sqlite:///gradebook.db").connect(patient=True)) as other:
        other.execute("BEGIN IMMEDIATE")
        result = run("grade-all", folder, "--gradebook", "sqlite:///gradebook.db?timeout=0.01")
        assert result.exit_code == 2 and "Another program holds a lock" in result.stderr
    assert by_hand == []


def test_without_a_sandbox_nothing_is_graded_when_one_is_asked_for(
    here: Path, a_class: Class, by_hand: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(required: bool) -> None:
        if required:
            raise NoSandbox("There is no sandbox on this machine, so nothing was graded.")

    monkeypatch.setattr(teaching, "best", none)
    folder = a_class(ada={FIRST: "10"})
    assert run("grade-all", folder, "--require-sandbox").exit_code == 3
    assert by_hand == []
    assert run("grade-all", folder).exit_code == 0


def test_a_backup_is_written_and_never_over_another_file(
    here: Path, a_class: Class, by_hand: list[str]
) -> None:
    run("grade-all", a_class(ada={FIRST: "10"}))
    assert run("backup", "monday.db").exit_code == 0
    with closing(Gradebook("sqlite:///monday.db")) as copy:
        assert [attempt.points for attempt in copy.attempts()] == [10]
    result = run("backup", "monday.db")
    assert result.exit_code == 2 and "there already" in result.stderr


@pytest.mark.parametrize("command", ["grade-all", "backup"])
def test_help_teaches_each_command(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) > 5


def test_every_exercise_has_a_file_of_its_own(here: Path, a_class: Class, by_hand: list[str]) -> None:
    names = {f"{exercise.module}.py": str(number) for number, exercise in EXERCISES.items()}
    assert run("grade-all", a_class(ada=names), "--json-dir", "out").exit_code == 0
    assert {name.removesuffix(".json") for name in os.listdir("out/ada")} == {
        name.removesuffix(".py") for name in names
    }
