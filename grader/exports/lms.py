"""Learning platforms: a table of marks that Canvas, or Moodle and most others, import. One row a learner.

What is not graded yet is an empty field, which an import leaves alone; a nought is a mark.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from msgspec import Struct

from grader.exercises import EXERCISES


class Mark(Struct, frozen=True):
    """What an exercise counts for a learner; `points` None: nothing is known yet."""

    learner: str
    name: str
    exercise: int
    points: int | None


def canvas(marks: Iterable[Mark]) -> str:
    """For Gradebook, Import: its five columns, one for each exercise, and the row of possible points."""
    marks, titles = list(marks), [exercise.title for exercise in EXERCISES.values()]
    possible = [str(exercise.max_points) for exercise in EXERCISES.values()]
    rows = [["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *titles]]
    rows.append(["    Points Possible", "", "", "", "", *possible])
    rows += [
        [_plain(name or id), "", _plain(id), _plain(id), "", *points] for id, name, points in _rows(marks)
    ]
    return _written(rows)


def moodle(marks: Iterable[Mark]) -> str:
    """For Grades, Import, CSV file: map the first column to the ID number or the user name."""
    titles = [exercise.title for exercise in EXERCISES.values()]
    rows = [["ID number", "Name", *titles]]
    rows += [[_plain(id), _plain(name), *points] for id, name, points in _rows(list(marks))]
    return _written(rows)


def _rows(marks: list[Mark]) -> Iterable[tuple[str, str, list[str]]]:
    """By learner, and of every exercise the points or nothing."""
    names = {mark.learner: mark.name for mark in marks}
    known = {(mark.learner, mark.exercise): mark.points for mark in marks}
    for learner in sorted(names):
        points = [known.get((learner, number)) for number in EXERCISES]
        yield learner, names[learner], ["" if x is None else str(x) for x in points]


def _plain(words: str) -> str:
    """A name that a spreadsheet would take for a formula is told as the text that it is."""
    return f"'{words}" if words[:1] in ("=", "+", "-", "@", "\t", "\r") else words


def _written(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
