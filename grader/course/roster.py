"""Lists for spreadsheets: who is in the class, their tokens, and where they stand."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from grader.course.limits import Problem
from grader.files import no_formula
from grader.gradebook import Gradebook

_LONGEST = 200


def read(data: bytes) -> list[tuple[str, str]]:
    """Ids and names of a CSV list: a line each, the id first. Raises Problem, and names the line."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Problem(
            422, "The list is not in UTF-8, so nobody was enrolled. Save it as CSV UTF-8."
        ) from None
    dialect = ";" if text.partition("\n")[0].count(";") else ","
    found: dict[str, str] = {}
    for number, row in enumerate(csv.reader(io.StringIO(text), delimiter=dialect), 1):
        id, name = (*(cell.strip() for cell in row), "", "")[:2]
        if not any(row) or (number == 1 and id.lower() == "id"):
            continue
        if not id or len(id) > _LONGEST or not id.isprintable():
            raise Problem(422, f"Line {number} has no id in its first column. Nobody was enrolled.")
        if id in found:
            raise Problem(422, f"Line {number} has the id {id!r} a second time. Nobody was enrolled.")
        found[id] = name
    if not found:
        raise Problem(422, "The list is empty. Each line holds an id and a name, as in: ada,Ada Lovelace")
    return [*found.items()]


def enrol(book: Gradebook, learners: Iterable[tuple[str, str]]) -> str:
    """Take them in; gives, as CSV, the tokens of those who were not here. Others keep theirs."""
    known = {learner.id for learner in book.learners()}
    rows = []
    for id, name in learners:
        learner = book.enrol(id, name)
        if id not in known:
            rows.append((learner.id, learner.name, book.issue(id)))
    return table(("id", "name", "token"), rows)


def standing(book: Gradebook) -> str:
    """A line for each learner and exercise: what counts, and why."""
    names = {learner.id: learner.name for learner in book.learners()}
    head = (
        *("id", "name", "exercise", "counted", "max_points", "verdict", "medal", "points", "days_late"),
        *("attempts", "waiting", "override_reason"),
    )
    rows = [
        (
            *(each.learner, names.get(each.learner, ""), each.exercise, each.counted, each.max_points),
            *(each.verdict, each.medal or "", each.points, each.late, each.attempts, each.waiting),
            each.override.reason if each.override else "",
        )
        for each in book.standing()
    ]
    return table(head, rows)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """CSV; what a spreadsheet would take for a formula is quoted."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([no_formula(cell) for cell in row] for row in rows)
    return text.getvalue()
