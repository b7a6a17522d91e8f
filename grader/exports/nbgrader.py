"""nbgrader: an assignment made from an exercise's notebook, and what its test cell calls.

nbgrader gives full marks for whatever it does not understand: no output at all, None, True, -1, nan; none
when a warning comes first; and a number over the most breaks off the grading. So the cell ends in a bare
float between nought and the most, and raises in any other case. It is the first code cell and reads the
notebook's file: when it runs, nothing of the learner's has run in that kernel.

Format: https://nbgrader.readthedocs.io/en/stable/contributor_guide/metadata.html
"""

from __future__ import annotations

import io
import json
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from grader.exercises import Exercise
from grader.workbook import Refusal, originals

ID, SOLUTION = "points", "saga"
CONFIG = """\
c = get_config()
c.Execute.timeout = 900  # all pairs of a right saga take a minute or two, and more on a busy machine
c.ClearSolutions.code_stub = {"python": "# Your code goes above: this starter is graded as you leave it."}
"""
_CELL = """\
# Your points, for this notebook as it was last saved. Nothing of it has to run before.
from grader.exports.nbgrader import points

points("{name}", out_of={most})"""
_REGION = "\n\n\n### BEGIN SOLUTION\n### END SOLUTION"


class NoPoints(Exception):
    """No number of points would be true; the text says why. nbgrader counts 0, and shows it."""


def points(name: str, *, out_of: float) -> float:
    """The points of the notebook of that name in this folder, for the last line of the test cell.

    Shows the report. Raises NoPoints when the grader failed, or was made for another number of points.
    """
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from IPython import display

        from grader import grade
        from grader.exports.checks import checks, summary, total
        from grader.pages.fragment import fragment

        report = grade(None, name, patient=True)
    earned, most = total(checks(report))
    if report.verdict == "grader error":
        raise NoPoints(f"{summary(report)} {report.problem}")
    if most != out_of or not 0 <= earned <= most:
        raise NoPoints(
            f"This cell was made for {out_of} points, and this Saga Lab gives {earned} of {most}. Make the "
            "assignment again with `saga-lab export nbgrader`."
        )
    shown: Any = display  # without types of its own
    shown.publish_display_data({"text/html": fragment(report), "text/plain": str(report)})
    return float(earned)


def assignment(exercise: Exercise) -> str:
    """The notebook for `source/`, of which `nbgrader generate_assignment` makes the release.

    Raises Refusal outside a checkout of the project.
    """
    name = f"{exercise.module}.ipynb"
    notebook = json.loads(originals()[name])
    cells: list[dict[str, Any]] = notebook["cells"]
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and f"async def {exercise.function}(" in source:
            cell["source"] = (source + _REGION).splitlines(keepends=True)
            cell["metadata"]["nbgrader"] = _metadata(SOLUTION, solution=True)
    test = _CELL.format(name=name, most=exercise.max_points)
    metadata = {**_metadata(ID, grade=True, locked=True), "points": exercise.max_points}
    first = next(place for place, cell in enumerate(cells) if cell["cell_type"] == "code")
    cells.insert(
        first,
        {
            "cell_type": "code",
            "execution_count": None,
            "id": ID,
            "metadata": {"nbgrader": metadata},
            "outputs": [],
            "source": test.splitlines(keepends=True),
        },
    )
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def course(exercise: Exercise, folder: Path) -> list[str]:
    """Put the assignment into a course folder; gives what was done, in words. Raises Refusal."""
    place = folder / "source" / f"exercise{exercise.number}" / f"{exercise.module}.ipynb"
    if place.exists():
        raise Refusal(f"{place} is there already. Move it away first: somebody may have edited it.")
    text = assignment(exercise)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")
    said, config = [f"added  {place}"], folder / "nbgrader_config.py"
    if not config.exists():
        config.write_text(CONFIG, encoding="utf-8")
        said.append(f"added  {config}")
    elif CONFIG not in config.read_text(encoding="utf-8"):
        said.append(f"kept   {config}; add to it:\n{CONFIG.partition(chr(10))[2].rstrip()}")
    return [*said, f"Next, in {folder}: nbgrader generate_assignment exercise{exercise.number}"]


def _metadata(
    id: str, *, grade: bool = False, locked: bool = False, solution: bool = False
) -> dict[str, Any]:
    kinds = {"grade": grade, "locked": locked, "solution": solution, "task": False}
    return {"schema_version": 3, "grade_id": id, **kinds}
