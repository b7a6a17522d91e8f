"""Open JupyterLab at the first notebook of a working copy: offline, without pop-ups, on a free port."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from grader.workbook import FIRST, Refusal, init

# What JupyterLab starts from: it asks for no news, and shows the line numbers that the grader names.
SETTINGS = Path(__file__).parent / "jupyterlab"


def open_lab(folder: Path, options: Sequence[str]) -> NoReturn:
    """Add to the working copy what it lacks, then become JupyterLab. Raises Refusal without JupyterLab."""
    if find_spec("jupyterlab") is None:
        raise Refusal("JupyterLab is not installed here. Run `make install`, then try again.")
    for line in init(folder):
        if line.startswith("added"):
            print(line)
    print(f"JupyterLab opens {FIRST} at the address below. Control-C here ends it.", flush=True)
    os.execve(sys.executable, command(folder, options), environment())


def command(folder: Path, options: Sequence[str]) -> list[str]:
    """The command line that opens a working copy. A port that is taken makes JupyterLab take the next."""
    return [
        *(sys.executable, "-m", "jupyterlab"),
        f"--ServerApp.root_dir={folder.resolve()}",
        f"--LabApp.default_url=/lab/tree/{FIRST}",
        "--ServerApp.answer_yes=True",  # Control-C ends it without a question
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.news_url=None",
        f"--LabApp.app_settings_dir={SETTINGS}",
        "--LabApp.extension_manager=readonly",
        *("--log-level=WARN", "--LabApp.log_level=WARN"),  # the address is then nearly all it prints
        *(["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
        *options,
    ]


def environment() -> dict[str, str]:
    """The caller's, with this Python's commands in front: `saga-lab` works in JupyterLab's terminals too."""
    path = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    return {**os.environ, "PATH": os.pathsep.join(path)}
