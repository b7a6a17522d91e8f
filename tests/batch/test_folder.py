"""The folder of a class: what is taken, and what is not, with a word on why and what to do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from grader.batch import BadFolder, HandedIn, anonymous, folder, folder_of_a_class, handed_in, key_in
from tests.batch.conftest import FIRST, SECOND, Class

NOTEBOOK = FIRST.replace(".py", ".ipynb")


def found(folder: Path) -> list[HandedIn]:
    return [file for learner in folder_of_a_class(folder) for file in handed_in(learner)]


def refused(folder: Path, *words: str) -> None:
    with pytest.raises(BadFolder) as error:
        folder_of_a_class(folder)
    for word in words:
        assert word in str(error.value)


def test_files_are_found_by_learner_and_exercise(a_class: Class) -> None:
    folder = a_class(bert={NOTEBOOK: "b1"}, ada={SECOND: "a2", FIRST: "a1", "notes.txt": "", "util.py": ""})
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / "roster.csv").write_text("")
    assert found(folder) == [
        HandedIn("ada", 1, FIRST, b"a1"),
        HandedIn("ada", 2, SECOND, b"a2"),
        HandedIn("bert", 1, NOTEBOOK, b"b1"),
    ]


# ---- no class


def test_a_folder_that_is_not_there_is_told_with_one_that_is_near(a_class: Class) -> None:
    folder = a_class(ada={FIRST: ""})
    refused(folder.with_name("clas"), "clas is not there", f"Did you mean {folder}?")
    refused(folder.with_name("xyz"), "xyz is not there", "a folder for each learner, as in ada/exercise1_")


def test_a_file_is_no_class(a_class: Class) -> None:
    refused(a_class(ada={FIRST: ""}) / "ada" / FIRST, f"{FIRST} is a file", "folder for each learner")


def test_an_empty_folder_is_no_class(tmp_path: Path) -> None:
    refused(tmp_path, "holds no folder of a learner", "It is empty")


def test_files_without_a_folder_of_their_learner_are_told_where_to_go(tmp_path: Path) -> None:
    (tmp_path / "roster.csv").write_text("")
    refused(tmp_path, "It holds only files, such as roster.csv")
    (tmp_path / FIRST).write_text("")
    refused(tmp_path, f"It holds {FIRST} itself: move that into the folder of its learner")


# ---- files that are not taken


def test_two_versions_of_an_exercise_are_not_chosen_between(a_class: Class) -> None:
    (one, two) = found(a_class(ada={FIRST: "1", NOTEBOOK: "1", SECOND: "2"}))
    assert (
        one.problem == f"there is {NOTEBOOK} too, and which one counts is not for a grader to say: remove one"
    )
    assert (one.source, one.exercise, two.problem, two.source) == (b"", 1, "", b"2")


@pytest.mark.parametrize("kind", ["link", "folder", "pipe", "dangling link"])
def test_only_plain_files_are_taken(a_class: Class, kind: str) -> None:
    folder = a_class(ada={}, bert={FIRST: "the work of bert"})
    path = folder / "ada" / FIRST
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(folder / ("bert" if kind == "link" else "nobody") / FIRST)
    assert found(folder)[0] == HandedIn(
        "ada", 1, FIRST, problem="it is no plain file, and only those are taken: put the file itself there"
    )


def test_a_file_that_cannot_be_read_is_told(a_class: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    path = a_class(ada={FIRST: "", SECOND: "2"}) / "ada" / FIRST
    opened = os.open

    def forbidden(where: Path, flags: int) -> int:
        if where == path:
            raise PermissionError(13, "Permission denied")
        return opened(where, flags)

    monkeypatch.setattr(folder.os, "open", forbidden)
    (one, two) = found(path.parent.parent)
    assert (one.problem, two.source) == ("it cannot be read: Permission denied", b"2")


def test_a_learners_folder_that_cannot_be_read_is_told(
    a_class: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = a_class(ada={FIRST: ""})
    (learner,) = folder_of_a_class(top)

    def forbidden(where: Path) -> list[str]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(folder.os, "listdir", forbidden)
    assert list(handed_in(learner)) == [
        HandedIn("ada", 0, "", problem="the folder cannot be read: Permission denied")
    ]


def test_a_file_too_large_is_told_how_to_shrink(a_class: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "LARGEST", 10)
    (small, large) = found(a_class(ada={FIRST: "0123456789", SECOND: "0123456789x"}))
    assert small.problem == "" and "more than 10 bytes: clear the output" in large.problem


def test_other_names_are_told_and_an_empty_folder_handed_in_nothing(a_class: Class) -> None:
    folder = a_class(ada={"Exercise1.py": "", "readme.txt": ""}, bert={}, carol={"readme.txt": ""})
    (file,) = found(folder)
    assert (file.learner, file.exercise, file.file) == ("ada", 0, "Exercise1.py")
    assert "no file has one of the six names (exercise1_ecommerce_order, " in file.problem


def test_a_name_that_is_no_text_is_taken_all_the_same(tmp_path: Path) -> None:
    os.mkdir(os.fsencode(tmp_path) + b"/J\xfcrgen")
    (tmp_path / os.fsdecode(b"J\xfcrgen") / FIRST).write_text("1")
    assert found(tmp_path) == [HandedIn("J\\xfcrgen", 1, FIRST, b"1")]


# ---- names that are not to be known


def test_a_learner_without_a_name_is_the_same_each_time_and_another_with_another_key() -> None:
    one, two = b"1" * 16, b"2" * 16
    assert anonymous("ada", one) == "279084f7af33ecbe", "in any process, on any day"
    assert len({anonymous(name, key) for name in ("ada", "bert") for key in (one, two)}) == 4
    assert anonymous("Ju\u0308rgen", one) == anonymous("J\xfcrgen", one), "as different systems write it"


def test_a_key_is_there_and_long_enough(tmp_path: Path) -> None:
    path = tmp_path / "key"
    with pytest.raises(BadFolder, match=r"cannot be read: No such file.*head -c 32"):
        key_in(path)
    path.write_bytes(b"x" * 15)
    with pytest.raises(BadFolder, match=r"has 15 bytes.*16 are needed.*head -c 32"):
        key_in(path)
    path.write_bytes(b"x" * 16)
    assert key_in(path) == b"x" * 16
