"""Gradescope: `results.json`, and the autograder that writes it, as the zip that is uploaded.

Format: https://gradescope-autograders.readthedocs.io/en/latest/specs/
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

from grader.exercises import Exercise
from grader.exports.checks import checks, summary, unfinished
from grader.report import Report
from grader.workbook import ROOT, Refusal

_GIVEN = ("saga_lab", "grader", "pyproject.toml", "constraints.txt", "README.md", "LICENSE")
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first day that a zip knows: the same files make the same bytes."""
_INCOMPLETE = "incomplete.json"

SETUP = """\
#!/usr/bin/env bash
# Gradescope runs this once, when it builds the image. Only now is a network needed.
set -euo pipefail
cd "${AUTOGRADER:-/autograder}"
suits() { "$1" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
find_python() { for python in python3 python3.14 python3.13 python3.12 python3.11; do
    if suits "$python"; then return; fi
done; return 1; }
if ! find_python || ! command -v bwrap >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y bubblewrap python3-venv
    find_python || DEBIAN_FRONTEND=noninteractive apt-get install -qq -y python3.11 python3.11-venv
    find_python
fi
"$python" -m venv grading
grading/bin/python -m pip install -q --disable-pip-version-check -c source/constraints.txt ./source
"""

RUN = """\
#!/usr/bin/env bash
# Gradescope runs this for every submission. A result is there from the first second, whatever happens.
set -euo pipefail
cd "${{AUTOGRADER:-/autograder}}"
mkdir -p results
cp source/{incomplete} results/results.json
grading/bin/saga-lab export gradescope submission --exercise {number} --out results/results.json
"""


def results(report: Report) -> str:
    """The text of `results.json`: a test for each promise, and no score on top, so that theirs add up.

    No test is hidden, since Gradescope then hides the total too. The status is always given: without one a
    test that is worth nothing would count as passed.
    """
    told = {
        "output": summary(report),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": [
            {
                "name": check.title,
                "number": str(place),
                "score": check.points,
                "max_score": check.max_points,
                "status": "passed" if check.verdict == "pass" else "failed",
                "output": check.told,
                "tags": [check.verdict],
                "visibility": "visible",
            }
            for place, check in enumerate(checks(report), start=1)
        ],
        "extra_data": {"exercise": report.exercise, "verdict": report.verdict, "medal": report.medal},
    }
    return json.dumps(told, indent=2) + "\n"


def autograder(exercise: Exercise) -> bytes:
    """The zip for one exercise: this project, and the two scripts that Gradescope calls. Raises Refusal."""
    missing = [name for name in _GIVEN if not (ROOT / name).exists()]
    if missing:
        raise Refusal(f"This is no whole checkout of the project: {', '.join(missing)} is missing.")
    run = RUN.format(incomplete=_INCOMPLETE, number=exercise.number)
    incomplete = results(unfinished(exercise.number, exercise.module))
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, "setup.sh", SETUP.encode(), 0o755)
        _add(archive, "run_autograder", run.encode(), 0o755)
        _add(archive, _INCOMPLETE, incomplete.encode(), 0o644)
        for path in sorted(_files()):
            _add(archive, path.relative_to(ROOT).as_posix(), path.read_bytes(), 0o644)
    return made.getvalue()


def _files() -> list[Path]:
    found = [ROOT / name for name in _GIVEN if (ROOT / name).is_file()]
    for name in _GIVEN:
        found += [x for x in (ROOT / name).rglob("*") if x.is_file() and "__pycache__" not in x.parts]
    return found


def _add(archive: zipfile.ZipFile, name: str, content: bytes, rights: int) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = (0o100000 | rights) << 16
    archive.writestr(entry, content)
