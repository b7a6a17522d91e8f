"""A report as rows: one for each promise, with its verdict, its points, and what the learner is told.

Every export is made from these, whatever the verdict: there is at least one row, no row is worth more than
its most, and what could not be judged has rows as well, so that the totals of an exercise never change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from grader.exercises import EXERCISES, named
from grader.message import MOST_FAILURES, failure, failures, text, undecided
from grader.report import MEDALS, Judged, Medal, Report, Verdict

UNREADABLE = re.compile("[^\t\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010ffff]")
"""What XML cannot hold, and no page shows: control characters, and halves of characters."""


class Check(Struct, frozen=True):
    """One row. `fact`: in one line what is wrong, `told`: the same at length; both are empty for a pass."""

    id: str
    promise: str
    verdict: Verdict
    points: int
    max_points: int
    fact: str
    told: str

    @property
    def title(self) -> str:
        """Its id and its promise."""
        return f"{self.id} {self.promise}".strip()


class Point(Struct, frozen=True):
    """A check as seen by a medal: all of `points`, or none. For systems that know no part of a test."""

    check: Check
    medal: Medal
    points: int
    earned: bool

    @property
    def name(self) -> str:
        """The promise's id and the medal."""
        return f"{self.check.id} {self.medal}".strip()


def checks(report: Report) -> tuple[Check, ...]:
    """The rows of a report, in the order of the law."""
    if report.invariants:
        told = _told(report)
        return tuple(
            Check(x.id, x.promise, x.verdict, x.points, x.max_points, _fact(report, x), told.get(x.id, ""))
            for x in report.invariants
        )
    said = legible(text(report))
    fact, exercise = legible(report.problem).partition("\n")[0], EXERCISES.get(report.exercise)
    if exercise is None:
        return (Check("", "it can be run", report.verdict, 0, len(MEDALS), fact, said),)
    return tuple(
        Check(x.id, x.promise, report.verdict, 0, x.points * len(MEDALS), fact, said)
        for x in exercise.rules.invariants
    )


def total(rows: tuple[Check, ...]) -> tuple[int, int]:
    """Points, and the most there are."""
    return sum(x.points for x in rows), sum(x.max_points for x in rows)


def by_medal(rows: tuple[Check, ...]) -> Iterator[Point]:
    """Every check three times, once for each medal: together they are worth what the checks are."""
    for row in rows:
        worth = row.max_points // len(MEDALS)
        for rank, medal in enumerate(MEDALS):
            if worth:  # medals are won from the lowest on
                yield Point(row, medal, worth, row.points > rank * worth)


def summary(report: Report) -> str:
    """One paragraph: verdict, medal and points; and what warns of something."""
    earned, most = total(checks(report))
    head = f"{report.title or report.file}: {report.verdict}. {earned} of {most} points"
    won = f", medal: {report.medal}" if report.medal else ""
    return legible("\n".join([f"{head}{won}.", *(f"Note: {warning}" for warning in report.warnings)]))


def unfinished(number: int | None, file: str) -> Report:
    """What stands in a result file until the grading has come to its end, and if it never does."""
    exercise = EXERCISES.get(number or 0) or named(file)
    problem = (
        "The grading was broken off before it came to its end, for instance by a limit on time or memory, "
        "so nothing is known. Hand the file in again; if that changes nothing, tell your teacher."
    )
    told = (exercise.number, exercise.title) if exercise else (0, "")
    return Report(*told, file, "grader error", problem=problem)


def legible(words: str) -> str:
    """Words without what cannot be shown: a control character stands there as its number."""
    return UNREADABLE.sub(lambda found: f"#x{ord(found[0]):02X}", words)


def _fact(report: Report, judged: Judged) -> str:
    return legible(judged.causes[0].observed if judged.causes else undecided(report, judged))


def _told(report: Report) -> dict[str, str]:
    """In full for the first causes; in short for what else broke; and why what was not judged was not."""
    told = {x.id: _short(report, x) for x in report.invariants if x.verdict != "pass"}
    for one in reversed(failures(report)[:MOST_FAILURES]):
        told[one.judged.id] = failure(report, one)
    return {id: legible(words) for id, words in told.items()}


def _short(report: Report, judged: Judged) -> str:
    if not judged.causes:
        return undecided(report, judged)
    cause = judged.causes[0]
    return (
        f"Must hold: {cause.expected}.\nObserved: {cause.observed}.\nTry: {cause.again}\n"
        "Mend first what is told at length."
    )
