"""The folder of a class: a folder for each learner, and in it files by any of the six names."""

from __future__ import annotations

import difflib
import errno
import hashlib
import hmac
import os
import stat
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from grader.errors import Mendable
from grader.exercises import EXERCISES, Exercise

LARGEST = 20_000_000
"""Bytes of a file: a notebook with its pictures has a few million."""
SHORTEST_KEY = 16
_ENDINGS = (".py", ".ipynb")
_EXAMPLE = f"ada/{EXERCISES[1].module}.py"


class BadFolder(Mendable):
    """There is nothing to grade; the text says what was expected."""


class NoCluster(Mendable):
    """The cluster that was named cannot be used; the text says what to do."""


class HandedIn(Struct, frozen=True):
    """A file of a learner. `problem`: why it cannot be taken, and what to do; then there is no source.

    `exercise` 0: it is for none.
    """

    learner: str
    exercise: int
    file: str
    source: bytes = b""
    problem: str = ""


def folder_of_a_class(folder: Path) -> list[Path]:
    """The learners' folders, by name. Raises BadFolder when there are none."""
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "is not there"
        near = difflib.get_close_matches(folder.name, _names(folder.parent), 1) if not folder.exists() else []
        hint = f"Did you mean {folder.with_name(near[0])}?" if near else "Give the folder of the class."
        raise BadFolder(f"{folder} {what}. {hint} It holds a folder for each learner, as in {_EXAMPLE}.")
    names = _names(folder)
    learners = [folder / name for name in names if (folder / name).is_dir() and name[0] != "."]
    if not learners:
        modules = tuple(exercise.module for exercise in EXERCISES.values())
        if files := [name for name in names if name.startswith(modules)]:
            found = f"It holds {files[0]} itself: move that into the folder of its learner"
        else:
            found = f"It holds only files, such as {names[0]}" if names else "It is empty"
        raise BadFolder(f"{folder} holds no folder of a learner, as in {_EXAMPLE}. {found}.")
    return learners


def handed_in(folder: Path) -> Iterator[HandedIn]:
    """What a learner's folder holds, by exercise."""
    learner = _text(folder.name)
    try:
        names = _names(folder)
    except OSError as error:
        yield HandedIn(learner, 0, "", problem=f"the folder cannot be read: {error.strerror}")
        return
    known = False
    for exercise in EXERCISES.values():
        files = [name for name in (exercise.module + ending for ending in _ENDINGS) if name in names]
        known = known or bool(files)
        if files:
            yield _one(folder, learner, exercise, files)
    others = [name for name in names if name[0] != "." and name.endswith(_ENDINGS)]
    if others and not known:
        named = ", ".join(exercise.module for exercise in EXERCISES.values())
        problem = f"nothing was graded, since no file has one of the six names ({named})"
        yield HandedIn(learner, 0, _text(others[0]), problem=problem)


def key_in(path: Path) -> bytes:
    """The key for names that are not to be known. Raises BadFolder when the file holds none."""
    make = f"Make one, and keep it: head -c 32 /dev/urandom > {path}"
    try:
        key = path.read_bytes()
    except OSError as error:
        raise BadFolder(f"the key {path} cannot be read: {error.strerror}. {make}") from None
    if len(key) < SHORTEST_KEY:
        raise BadFolder(
            f"the key {path} has {len(key)} bytes, and whoever has a list of the names could guess one that "
            f"short; {SHORTEST_KEY} are needed. {make}"
        )
    return key


def anonymous(learner: str, key: bytes) -> str:
    """Another name, the same each time, which tells nothing without the key (HMAC, RFC 2104).

    What learners write into their files stays there.
    """
    return hmac.new(key, unicodedata.normalize("NFC", learner).encode(), hashlib.sha256).hexdigest()[:16]


def _one(folder: Path, learner: str, exercise: Exercise, files: list[str]) -> HandedIn:
    file = files[0]
    if len(files) > 1:
        problem = f"there is {files[1]} too, and which one counts is not for a grader to say: remove one"
        return HandedIn(learner, exercise.number, file, problem=problem)
    try:
        return HandedIn(learner, exercise.number, file, _bytes(folder / file))
    except _NotTaken as why:
        return HandedIn(learner, exercise.number, file, problem=str(why))


class _NotTaken(Exception):
    """A file that is not read; the text says why."""


def _bytes(path: Path) -> bytes:
    """A plain file's. A link could lead to somebody else's work, and a pipe nowhere."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            source = file.read(LARGEST + 1) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else None
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.EISDIR):
            raise _NotTaken(f"it cannot be read: {error.strerror}") from None
        source = None
    if source is None:
        raise _NotTaken("it is no plain file, and only those are taken: put the file itself there")
    if len(source) > LARGEST:
        raise _NotTaken(f"it has more than {LARGEST:,} bytes: clear the output of the notebook's cells")
    return source


def _names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def _text(name: str) -> str:
    """A name for people and databases, also when its bytes are no text."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
