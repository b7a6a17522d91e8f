"""Write an API reference, made from the docstrings, to a folder: `python tools/reference.py site/api`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pdoc

ROOMS = (
    "saga_lab",
    "saga_lab.events",
    "saga_lab.journals",
    "saga_lab.bus",
    "saga_lab.observe",
    "saga_lab.observe.logs",
    "saga_lab.observe.metrics",
    "saga_lab.observe.traces",
    "saga_lab.sim",
    "saga_lab.views",
)


def write(folder: Path) -> None:
    """A page for each room, with what it offers to others."""
    for room in map(importlib.import_module, ROOMS):
        for name in getattr(room, "__all__", ()):
            setattr(room, name, getattr(room, name))  # some are loaded only when they are asked for
    pdoc.render.configure(docformat="markdown", show_source=False)
    pdoc.pdoc(*ROOMS, output_directory=folder)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
