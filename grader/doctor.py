"""What this machine has of what Saga Lab needs, and what to do about the rest."""

from __future__ import annotations

import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct

from grader.exercises import EXERCISES
from grader.sandbox import IN_WORDS, best
from grader.workbook import MARK, ROOT, usual


class Finding(Struct, frozen=True):
    """One thing that was looked at: whether it is well, what was seen, and `todo` when it is not.

    `needed`: nothing can be graded without it.
    """

    name: str
    well: bool
    seen: str
    todo: str = ""
    needed: bool = True


def examine() -> Iterator[Finding]:
    """Look at everything, one by one."""
    yield _python()
    yield _package("saga-lab", "Run `make install` in the checkout of the project.", needed=True)
    yield _package("jupyterlab", "For the notebooks: run `make install`.", needed=False)
    yield _notebooks()
    yield _sandbox()
    yield _disk(Path.cwd())
    yield _working_copy()
    yield _grades()


def _python() -> Finding:
    seen = ".".join(map(str, sys.version_info[:3]))
    return Finding("Python", sys.version_info >= (3, 11), seen, "Install Python 3.11 or newer.")


def _package(name: str, todo: str, needed: bool) -> Finding:
    try:
        return Finding(name, True, version(name))
    except PackageNotFoundError:
        return Finding(name, False, "not installed", todo, needed)


def _notebooks() -> Finding:
    count = len([*(ROOT / "notebooks").glob("*.ipynb")])
    todo = "Clone the project, run `make install` there, and use its own .venv/bin/saga-lab."
    kernel = "" if find_spec("ipykernel") else ", but no kernel to run them (ipykernel)"
    return Finding("notebooks", count > 0 and not kernel, f"{count} of them{kernel}", todo, needed=False)


def _sandbox() -> Finding:
    found = best()
    todo = (
        "Your own work can be graded. For the work of others install bubblewrap (Debian, Ubuntu: "
        "`apt install bubblewrap`), or use Linux 6.2 or newer."
    )
    means = f"{IN_WORDS[found.means]}" + ("" if shutil.which("bwrap") else "; bubblewrap is not installed")
    return Finding("sandbox", found.means != "limits only", means, todo, needed=False)


def _disk(folder: Path) -> Finding:
    """Can a file be written here, and does SQLite trust this disk?"""
    todo = "Go into a folder of your own on a local disk: network drives break SQLite's locks."
    try:
        with tempfile.TemporaryDirectory(dir=folder) as place:
            base = sqlite3.connect(Path(place) / "try.db")
            mode = base.execute("PRAGMA journal_mode=WAL").fetchone()[0]
            base.close()
    except (OSError, sqlite3.Error) as error:
        return Finding("this folder", False, f"cannot be written ({error})", todo, needed=False)
    return Finding("this folder", mode == "wal", f"can be written; SQLite says {mode}", todo, needed=False)


def _working_copy() -> Finding:
    folder = usual()
    there = (folder / MARK).exists()
    seen = f"in {folder.resolve().name}/" if there else "none here"
    return Finding("working copy", there, seen, "`saga-lab lab` makes one, in workbook/.", needed=False)


def _grades() -> Finding:
    """Does a grade come out as it must?"""
    from grader.judge import grade

    exercise = EXERCISES[1]
    starter = ROOT / "exercises" / f"{exercise.module}.py"
    if not starter.exists():
        return Finding("grading", False, "no starter to try it on", "Clone the project.", needed=False)
    report = grade(exercise.number, starter, quick=True)
    todo = f"This is a bug, or a broken installation: {report.problem or report.verdict}."
    return Finding("grading", report.verdict == "fail", "the starter fails, as it must", todo)
