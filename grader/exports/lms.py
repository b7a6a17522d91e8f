"""Learning platforms: a table of marks that Canvas, or Moodle and most others, import. One row a learner.

What is not graded yet is an empty field, which an import leaves alone; a nought is a mark.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from msgspec import Struct

from grader.exercises import EXERCISES
from grader.files import no_formula


class Mark(Struct, frozen=True):
    """What an exercise counts for a learner; `points` None: nothing is known yet."""

    learner: str
    name: str
    exercise: int
    points: int | None


def canvas(marks: Iterable[Mark]) -> str:
    """For Gradebook, Import: its five columns, one for each exercise, and the row of possible points."""
    most = [exercise.max_points for exercise in EXERCISES.values()]
    rows = [["    Points Possible", "", "", "", "", *most]]
    rows += [[name or id, "", id, id, "", *points] for id, name, points in _rows(marks)]
    return _written(["Student", "ID", "SIS User ID", "SIS Login ID", "Section"], rows)


def moodle(marks: Iterable[Mark]) -> str:
    """For Grades, Import, CSV file: map the first column to the ID number or the user name."""
    return _written(["ID number", "Name"], [[id, name, *points] for id, name, points in _rows(marks)])


def _rows(marks: Iterable[Mark]) -> Iterable[tuple[str, str, list[object]]]:
    """By learner, and of every exercise the points or nothing."""
    known: dict[tuple[str, str], dict[int, object]] = {}
    for mark in marks:
        known.setdefault((mark.learner, mark.name), {})[mark.exercise] = mark.points
    for (learner, name), points in sorted(known.items()):
        yield learner, name, [points.get(number) for number in EXERCISES]


def _written(head: list[str], rows: list[list[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*head, *(exercise.title for exercise in EXERCISES.values())])
    writer.writerows([no_formula(cell) for cell in row] for row in rows)
    return text.getvalue()
