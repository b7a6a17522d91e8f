"""Run the notebooks again and keep their outputs: after a change of what the project says or draws.

    python tools/rerun.py [NOTEBOOK ...]

Runs all of `notebooks/` by default. The outputs are compared by `make test`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def rerun(path: Path) -> None:
    """Run a notebook from top to bottom; nothing of the run is kept but its outputs."""
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(path.parent)}}).execute()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.metadata = {}
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    nbformat.write(notebook, path)  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    chosen = [Path(name) for name in sys.argv[1:]]
    for path in chosen or sorted(Path(__file__).parent.parent.glob("notebooks/*.ipynb")):
        print(path.name, flush=True)
        rerun(path)
