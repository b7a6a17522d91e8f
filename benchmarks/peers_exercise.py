"""What the peers of `graders.py` grade with: four plain cases of exercise 1, written for each of them.

None injects a fault: a refused shipment is as far as they go.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from environments import ROOT

CASES = ("none", "payments.charge:refuse", "inventory.reserve:refuse", "shipping.create:refuse")
CHECK = """\
from saga_lab.sim import replay
from saga_lab.worlds.shop import ShopWorld


def check(saga, token):
    run = replay(saga, ShopWorld, token)
    status = "completed" if token == "none" else "failed"
    assert run.result["status"] == status
    assert len(run.instants[-1].ledgers["shipping"]) == (status == "completed")
"""


def submission(path: Path, source: str) -> None:
    """A notebook with the saga alone."""
    _write(path, [_cell(source)])


def plain_test(folder: Path, source: str) -> None:
    """A folder with the saga and the cases, for pytest."""
    folder.mkdir(parents=True)
    (folder / "saga.py").write_text(source)
    case = "def test_case(token):\n    check(order_saga, token)\n"
    parts = [
        CHECK,
        "import pytest",
        "from saga import order_saga",
        f"@pytest.mark.parametrize('token', {CASES})",
    ]
    (folder / "test_saga.py").write_text("\n".join([*parts, case]))


def otter_tests(folder: Path, python: Path) -> None:
    """An autograder of otter."""
    (folder / "tests").mkdir(parents=True)
    text = f"from otter.test_files import test_case\n{CHECK}\nOK_FORMAT = False\nname = 'saga'\n"
    for number, token in enumerate(CASES):
        text += f"\n@test_case(points=1)\ndef test_{number}(order_saga):\n    check(order_saga, {token!r})\n"
    (folder / "tests" / "saga.py").write_text(text)
    _run(python, folder, "otter", "generate", "-t", "tests", "-o", "autograder.zip", "--no-environment")


def nbgrader_course(folder: Path, sources: dict[str, str], python: Path) -> None:
    """A course with the assignment released, and what everybody handed in."""
    cells = [_cell("### BEGIN SOLUTION\npass\n### END SOLUTION", grade_id="saga", solution=True)]
    cells += [
        _cell(
            f"{CHECK}\ncheck(order_saga, {token!r})", grade_id=f"t{number}", grade=True, locked=True, points=1
        )
        for number, token in enumerate(CASES)
    ]
    (folder / "source" / "saga").mkdir(parents=True)
    (folder / "nbgrader_config.py").write_text("c = get_config()\n")
    _write(folder / "source" / "saga" / "saga.ipynb", cells)
    _run(python, folder, "nbgrader", "generate_assignment", "saga")
    released = json.loads((folder / "release" / "saga" / "saga.ipynb").read_text())
    for name, source in sources.items():
        released["cells"][0]["source"] = source
        place = folder / "submitted" / name / "saga"
        place.mkdir(parents=True)
        (place / "saga.ipynb").write_text(json.dumps(released))


def _cell(source: str, **nbgrader: Any) -> dict[str, Any]:
    kinds = {"schema_version": 3, "grade": False, "locked": False, "solution": False, "task": False}
    metadata = {"nbgrader": kinds | nbgrader} if nbgrader else {}
    plain = {"cell_type": "code", "execution_count": None, "outputs": []}
    return {**plain, "id": nbgrader.get("grade_id", "saga"), "metadata": metadata, "source": source}


def _write(path: Path, cells: list[dict[str, Any]]) -> None:
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    book = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(book))


def _run(python: Path, folder: Path, *words: str) -> None:
    environ = os.environ | {"PATH": f"{python.parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, cwd=folder, env=environ, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
