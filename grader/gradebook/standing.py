"""What counts: for each learner and exercise one attempt, less what lateness costs, or a teacher's word."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from math import ceil

from msgspec import Struct

from grader.exercises import EXERCISES
from grader.gradebook.records import Attempt, Deadline, Override
from grader.report import Medal, Verdict

DAY = 86_400


class Standing(Struct, frozen=True):
    """How a learner stands in an exercise.

    `attempt`: the number of the one that counts, None when none has a result yet; `verdict`, `medal` and
    `points` are those of it. `late`: the days begun after it was due. `counted`: the points in the end.
    `attempts`: how many there are; `waiting`: how many of them are still to be graded.
    """

    learner: str
    exercise: int
    attempt: int | None
    verdict: Verdict
    medal: Medal | None
    points: int
    max_points: int
    late: int
    counted: int
    override: Override | None
    attempts: int
    waiting: int


def stand(
    attempts: Iterable[Attempt], deadlines: Iterable[Deadline], overrides: Iterable[Override]
) -> list[Standing]:
    """By learner and exercise. The newest override counts, in the order they are given.

    The best attempt counts, not the last: nobody should fear to try something after a pass. Best is what
    brings most after lateness; of equals the one in time, and of those the newest.
    """
    rules = tuple(deadlines)
    words = {(override.learner, override.exercise): override for override in overrides}
    words = {key: override for key, override in words.items() if override.points is not None}
    tried = {key: list(some) for key, some in groupby(sorted(attempts, key=_place), key=_of)}
    standings = []
    for learner, exercise in sorted({*tried, *words}):
        rule = due(rules, learner, exercise)
        mine = tried.get((learner, exercise), [])
        best = max(
            (attempt for attempt in mine if attempt.edition),
            key=lambda x: (_counted(x, rule), -days_late(x.received, rule), x.number),
            default=None,
        )
        word = words.get((learner, exercise))
        counted = _counted(best, rule) if best else 0
        standings.append(
            Standing(
                learner=learner,
                exercise=exercise,
                attempt=best.number if best else None,
                verdict=best.verdict if best else "not run",
                medal=best.medal if best else None,
                points=best.points if best else 0,
                max_points=EXERCISES[exercise].max_points,
                late=days_late(best.received, rule) if best else 0,
                counted=counted if word is None or word.points is None else word.points,
                override=word,
                attempts=len(mine),
                waiting=sum(attempt.state != "done" for attempt in mine),
            )
        )
    return standings


def _of(attempt: Attempt) -> tuple[str, int]:
    return attempt.learner, attempt.exercise


def _place(attempt: Attempt) -> tuple[str, int, int]:
    return attempt.learner, attempt.exercise, attempt.number


def due(deadlines: Iterable[Deadline], learner: str, exercise: int) -> Deadline | None:
    """What holds for a learner in an exercise: an extension, else what holds for everybody."""
    of = {rule.learner: rule for rule in deadlines if rule.exercise == exercise}
    return of.get(learner, of.get(""))


def days_late(received: float, rule: Deadline | None) -> int:
    """The days begun after it was due; 0: in time."""
    return 0 if rule is None else max(0, ceil((received - rule.due) / DAY))


def _counted(attempt: Attempt, rule: Deadline | None) -> int:
    """Rounded to whole points, a half up."""
    if rule is None:
        return attempt.points
    if rule.closes is not None and attempt.received >= rule.closes:
        return 0
    left = max(0, 100 - rule.off * days_late(attempt.received, rule))
    return (attempt.points * left + 50) // 100
