"""The one file that was handed in for an exercise, among those of a folder."""

from __future__ import annotations

from pathlib import Path

from grader.exercises import EXERCISES
from grader.submission import CannotRun, read

KINDS = (".py", ".ipynb")


def handed_in(folder: Path, number: int | None) -> Path:
    """The file of exercise `number`: the one that is named after it, else the one that defines its function.

    Raises CannotRun when there is none, or more than one.
    """
    files = sorted(x for x in folder.iterdir() if x.suffix in KINDS and x.is_file() and x.name[0] != ".")
    exercises = [EXERCISES[number]] if number in EXERCISES else [*EXERCISES.values()]
    named = [x for x in files if any(x.stem.startswith(exercise.module) for exercise in exercises)]
    found = named or [x for x in files if _defines(x, number)] or files
    if len(found) == 1:
        return found[0]
    wanted = " or ".join(f"{exercises[0].module}{kind}" for kind in KINDS)
    if not found:
        raise CannotRun(f"There is neither a .py nor an .ipynb in what was handed in. Hand in {wanted}.")
    names = ", ".join(x.name for x in found)
    raise CannotRun(f"Which of these is to be graded: {names}? Hand in one of them alone, named {wanted}.")


def _defines(path: Path, number: int | None) -> bool:
    try:
        read(path, number)
    except CannotRun:
        return False
    return True
