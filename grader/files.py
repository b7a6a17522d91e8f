"""Files that others read: whole or not at all, and nothing in a table that a spreadsheet would run."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def write_whole(path: Path, text: str) -> None:
    """Write a file, or leave the one that is there: nobody ever reads half of it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise


def no_formula(cell: object) -> object:
    """What a spreadsheet would take for a formula is quoted: learners name themselves, and their folders."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULAS) else cell
