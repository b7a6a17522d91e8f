"""Take what a folder holds into the gradebook, and say what of it is still to be graded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from msgspec import Struct

from grader.batch.folder import HandedIn, handed_in
from grader.edition import edition
from grader.gradebook import Attempt, Gradebook


class Taken(Struct, frozen=True):
    """What the folder holds: the attempts of this class, and what could not be taken."""

    attempts: tuple[Attempt, ...]
    problems: tuple[HandedIn, ...]


def take(learners: Iterable[Path], book: Gradebook, named: Callable[[str], str]) -> Taken:
    """Hand in every file, under the name that `named` gives its learner; the known ones are there already."""
    attempts, problems = list[Attempt](), list[HandedIn]()
    for folder in learners:
        for file in handed_in(folder):
            learner = named(file.learner)
            if file.problem:
                problems.append(HandedIn(learner, file.exercise, file.file, problem=file.problem))
                continue
            book.enrol(learner)
            attempts.append(book.hand_in(learner, file.exercise, file.file, file.source))
    attempts.sort(key=lambda attempt: (attempt.learner, attempt.exercise))
    problems.sort(key=lambda file: (file.learner, file.exercise))
    return Taken(tuple(attempts), tuple(problems))


def stale(attempt: Attempt, quick: bool) -> bool:
    """Has it no result of this grader yet? One with pairs does for single faults too."""
    wanted = {edition(quick), edition(False)}
    return attempt.edition not in wanted or attempt.verdict == "grader error"
