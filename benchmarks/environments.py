"""The environments of others: each has what its list in `peers/` names, apart from this project's own."""

from __future__ import annotations

import subprocess
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


def environment(name: str, *, project: bool = False) -> Path:
    """The Python of an environment, installed the first time; with `project` it can import this one too."""
    listed, folder = HERE / "peers" / f"{name}.txt", HERE / ".peers" / name
    python, stamp = folder / "bin" / "python", folder / "installed"
    wanted = f"{folder}\n{listed.read_text()}"
    if not stamp.exists() or stamp.read_text() != wanted:
        venv.create(folder, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*install, "-r", str(listed)], check=True)
        if project:
            (next(folder.glob("lib/python3.*/site-packages")) / "saga_lab.pth").write_text(f"{ROOT}\n")
        stamp.write_text(wanted)
    return python
