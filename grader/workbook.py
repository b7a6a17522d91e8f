"""The working copy: the reader's own notebooks and starters, which no update of the project touches."""

from __future__ import annotations

import json
from pathlib import Path

FIRST = "00_your_laboratory.ipynb"
MARK = ".saga-lab-workbook"
ROOT = Path(__file__).resolve().parent.parent


class Refusal(Exception):
    """It would lose or mix up something; the text says what to do instead."""


def init(folder: Path) -> list[str]:
    """Make a working copy, or add what it lacks; gives what was done, in words. Overwrites nothing."""
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
    for name, original in files.items():
        if (folder / name).exists():
            said.append(f"kept   {name}, which is yours")
        else:
            (folder / name).write_bytes(original)
            said.append(f"added  {name}")
    return [*said, f"Next: saga-lab lab {folder}, and begin with {FIRST}."]


def usual() -> Path:
    """The working copy when none is named: the current folder if it is one, else `workbook` in it."""
    return Path() if Path(MARK).exists() else Path("workbook")


def reset(number: int, folder: Path) -> list[str]:
    """Restore the starter and the notebook of one exercise; what was there is kept under a new name."""
    if not (folder / MARK).exists():
        raise Refusal(
            f"{folder} is no working copy. Go into yours, or give --folder (saga-lab init makes one)."
        )
    files = {
        name: original for name, original in originals().items() if name.startswith(f"exercise{number}_")
    }
    if not files:
        raise Refusal(f"There is no exercise {number}.")
    said = []
    for name, original in files.items():
        mine = folder / name
        if mine.exists() and mine.read_bytes() == original:
            said.append(f"as it was  {name}")
            continue
        if mine.exists():
            kept = _free_name(mine)
            mine.rename(kept)
            said.append(f"kept       {kept.name}, which is what you had")
        mine.write_bytes(original)
        said.append(f"restored   {name}")
    return said


def originals() -> dict[str, bytes]:
    """What a working copy holds, by name. Raises Refusal outside a checkout of the project."""
    found = [*sorted((ROOT / "notebooks").glob("*.ipynb")), *sorted((ROOT / "exercises").glob("*.py"))]
    if not found:
        raise Refusal(
            "Saga Lab is installed without its notebooks and starters, which come with a checkout of the "
            "project. Clone it, run `make install` there, and use its own .venv/bin/saga-lab."
        )
    return {path.name: _not_yet_run(path) for path in found}


def _not_yet_run(path: Path) -> bytes:
    """A file as a reader first meets it: a notebook asks for a prediction, so it shows no output yet."""
    if path.suffix != ".ipynb":
        return path.read_bytes()
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell.update(execution_count=None, outputs=[])
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()


def _free_name(path: Path) -> Path:
    number = 1
    while (kept := path.with_name(f"{path.stem}.kept-{number}{path.suffix}")).exists():
        number += 1
    return kept
