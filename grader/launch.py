"""Open JupyterLab at the first notebook, offline, without pop-ups, on a free port."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from grader.workbook import FIRST, Refusal, init


def open_lab(folder: Path, options: Sequence[str]) -> None:
    """Make the working copy if there is none, and open it; returns when JupyterLab is closed."""
    if find_spec("jupyterlab") is None:
        raise Refusal(
            "JupyterLab is not installed here. `make install` brings it; or pip install 'saga-lab[lab]'."
        )
    if not folder.exists():
        print("\n".join(init(folder)))
    raise SystemExit(subprocess.call(command(folder, options)))


def command(folder: Path, options: Sequence[str]) -> list[str]:
    """The command line that opens a working copy. A port that is taken makes JupyterLab take the next."""
    return [
        *(sys.executable, "-m", "jupyterlab"),
        f"--ServerApp.root_dir={folder.resolve()}",
        f"--LabApp.default_url=/lab/tree/{FIRST}",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.news_url=",
        "--LabApp.extension_manager=readonly",
        *(["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
        *options,
    ]
