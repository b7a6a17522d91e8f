"""The working copy: the reader's own notebooks and starters, which no update of the project touches."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MARK = ".saga-lab-workbook"
FIRST = "00_your_laboratory.ipynb"


class Refusal(Exception):
    """It would lose or mix up something; the text says what to do instead."""


def originals() -> dict[str, Path]:
    """What a working copy holds, by name. Raises Refusal outside a checkout of the project."""
    found = [*sorted((ROOT / "notebooks").glob("*.ipynb")), *sorted((ROOT / "exercises").glob("*.py"))]
    if not found:
        raise Refusal(
            f"There are no notebooks beside the package, in {ROOT.name}. Run this from a checkout of the "
            "project, after `make install`."
        )
    return {path.name: path for path in found}


def init(folder: Path) -> list[str]:
    """Make a working copy, or add what it lacks; gives what was done, in words."""
    files = originals()
    if folder.exists() and not folder.is_dir():
        raise Refusal(f"{folder} is a file. Choose another name for the folder.")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise Refusal(
            f"{folder} holds other things. Choose a new folder, so that nothing of yours is mixed up."
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text("A working copy made by saga-lab init.\n", encoding="utf-8")
    said = []
    for name, path in files.items():
        if (folder / name).exists():
            said.append(f"kept   {name}, which is yours")
        else:
            shutil.copyfile(path, folder / name)
            said.append(f"added  {name}")
    return [*said, f"Next: saga-lab lab {folder}, and begin with {FIRST}."]


def reset(number: int, folder: Path) -> list[str]:
    """Restore what belongs to one exercise, keeping what was there under a new name."""
    if not (folder / MARK).exists():
        raise Refusal(
            f"{folder} is no working copy. Go into yours, or give --folder (saga-lab init makes one)."
        )
    names = [name for name in originals() if name.startswith(f"exercise{number}_")]
    if not names:
        raise Refusal(f"There is no exercise {number}.")
    said = []
    for name in names:
        mine = folder / name
        if mine.exists():
            kept = _free_name(mine)
            mine.rename(kept)
            said.append(f"kept      {kept.name}, what you had")
        shutil.copyfile(originals()[name], mine)
        said.append(f"restored  {name}")
    return said


def _free_name(path: Path) -> Path:
    number = 1
    while (kept := path.with_name(f"{path.stem}.kept-{number}{path.suffix}")).exists():
        number += 1
    return kept
