"""The files that a batch writes: the same bytes for the same results, and never half of one."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from grader.batch.folder import HandedIn
from grader.exercises import EXERCISES
from grader.files import no_formula, write_whole
from grader.gradebook import Attempt

HEAD = [
    "learner",
    "exercise",
    "file",
    "code",
    "verdict",
    "medal",
    "points",
    "max_points",
    "edition",
    "problem",
]


def write_csv(path: Path, attempts: Iterable[Attempt], problems: Iterable[HandedIn]) -> None:
    """A line for each file, by learner and exercise."""
    rows = [{name: getattr(attempt, name, "") for name in HEAD} for attempt in attempts]
    for file in problems:
        told = {name: getattr(file, name, "") for name in HEAD}
        rows.append({**told, "verdict": "not run", "points": 0, "max_points": _most(file.exercise)})
    rows.sort(key=lambda row: (row["learner"], row["exercise"]))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEAD)
    writer.writerows([no_formula(cell) for cell in row.values()] for row in rows)
    write_whole(path, text.getvalue())


def write_report(folder: Path, attempt: Attempt, report: str) -> None:
    """`FOLDER/LEARNER/MODULE.json`."""
    place = folder / attempt.learner
    place.mkdir(parents=True, exist_ok=True)
    write_whole(place / f"{EXERCISES[attempt.exercise].module}.json", report)


def _most(exercise: int) -> int:
    return EXERCISES[exercise].max_points if exercise else 0
