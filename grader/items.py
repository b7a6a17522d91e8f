"""Item analysis of a class: which fault breaks which promise for how many, and who is stuck since when."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

import msgspec
from msgspec import Struct

from grader.errors import Mendable
from grader.exercises import EXERCISES
from grader.gradebook import Attempt, Gradebook
from grader.message import failures
from grader.report import MEDALS, Cause, Medal, Report
from saga_lab.sim import parse

HEAD = ["exercise", "fault", "promise", "in words", "learners", "of"]


class BadSource(Mendable):
    """There are no results to read; the text says what was expected."""


class Work(Struct, frozen=True):
    """What a learner has of one exercise: the points of the best attempt, the best medal, the newest report.

    `passed`: one attempt at least did. `since`: when the points stopped rising, UTC in seconds, None when
    that is not known; `tries`: how many attempts came after that.
    """

    learner: str
    exercise: int
    points: int
    medal: Medal | None
    passed: bool
    newest: Report
    since: float | None = None
    tries: int = 0

    @property
    def stuck(self) -> bool:
        """Tried again, and got no further."""
        return not self.passed and self.tries > 0


class Item(Struct, frozen=True):
    """For how many `learners` of all those (`of`) who handed the exercise in a fault breaks a promise."""

    exercise: int
    fault: str
    promise: str
    words: str
    learners: int
    of: int


class Hit(Struct, frozen=True):
    """A cause that several share, and the failing story of one of them: the shortest."""

    exercise: int
    promise: str
    words: str
    fault: str
    learners: int
    of: int
    cause: Cause


def from_gradebook(book: Gradebook, named: Callable[[str], str]) -> list[Work]:
    """The work of a class by exercise and learner. `named`: what a learner is to be called."""

    def place(attempt: Attempt) -> tuple[int, str]:
        return attempt.exercise, named(attempt.learner)

    graded = sorted((x for x in book.attempts() if x.edition), key=lambda x: (*place(x), x.number))
    works = []
    for (exercise, learner), group in groupby(graded, key=place):
        tried = list(group)
        best = max(tried, key=lambda attempt: (attempt.points, -attempt.number))
        medals = [MEDALS.index(attempt.medal) for attempt in tried if attempt.medal]
        newest = msgspec.json.decode(book.report(tried[-1].number), type=Report)
        after = sum(attempt.number > best.number for attempt in tried)
        medal = MEDALS[max(medals)] if medals else None
        passed = any(attempt.verdict == "pass" for attempt in tried)
        works.append(Work(learner, exercise, best.points, medal, passed, newest, best.received, after))
    return works


def from_folder(folder: Path, named: Callable[[str], str]) -> list[Work]:
    """The same from `FOLDER/LEARNER/*.json`, one report each, as grade-all writes them. Raises BadSource."""
    works = []
    for path in sorted(folder.glob("*/*.json")):
        try:
            report = msgspec.json.decode(path.read_bytes(), type=Report)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise BadSource(
                f"{path} is no report: {error}. Write them anew with saga-lab grade-all --json-dir."
            ) from None
        if report.exercise in EXERCISES:
            learner = named(path.parent.name)
            passed = report.verdict == "pass"
            works.append(Work(learner, report.exercise, report.points, report.medal, passed, report))
    if not works:
        raise BadSource(
            f"{folder} holds no report, as in {folder / 'ada' / EXERCISES[1].module}.json. Write them with "
            "saga-lab grade-all FOLDER --json-dir, or name the gradebook."
        )
    return sorted(works, key=lambda work: (work.exercise, work.learner))


def items(works: Iterable[Work]) -> list[Item]:
    """By exercise; what hits most first."""
    found = []
    for exercise, some in by_exercise(works):
        words: dict[tuple[str, str], str] = {}
        count: dict[tuple[str, str], set[str]] = {}
        for work in some:
            for judged in work.newest.invariants:
                for cause in judged.causes:
                    key = fault(cause.token), judged.id
                    count.setdefault(key, set()).add(work.learner)
                    words[key] = judged.promise
        rows = [Item(exercise, *key, words[key], len(who), len(some)) for key, who in count.items()]
        found += sorted(rows, key=lambda item: (-item.learners, item.fault, item.promise))
    return found


def hits(works: Iterable[Work], most: int = 5) -> list[Hit]:
    """The causes that hit most, of all exercises, as the learners are told them."""
    found: dict[tuple[int, str, str], Hit] = {}
    for exercise, some in by_exercise(works):
        seen = dict[tuple[int, str, str], set[str]]()
        for work in some:
            for one in failures(work.newest):
                key = exercise, one.judged.id, fault(one.cause.token)
                who = seen.setdefault(key, set())
                who.add(work.learner)
                cause = min((one.cause, *([found[key].cause] if key in found else [])), key=_short)
                found[key] = Hit(*key[:2], one.judged.promise, key[2], len(who), len(some), cause)
    return sorted(found.values(), key=lambda x: (-x.learners, x.exercise, x.promise, x.fault))[:most]


def by_exercise(works: Iterable[Work]) -> Iterator[tuple[int, list[Work]]]:
    """The works of each exercise that has any."""
    for number, some in groupby(sorted(works, key=lambda x: x.exercise), key=lambda x: x.exercise):
        yield number, list(some)


def fault(token: str) -> str:
    """What goes wrong where, without how often and how long: `payments.charge:lost`."""
    scenario = parse(token)
    told = [f"{x.site.operation}:{x.kind}" for x in scenario.faults]
    told += [
        more.replace("_", " ") for more in ("again", "again_other", "recover") if getattr(scenario, more)
    ]
    plain = "another request" if scenario.seed else f"case {scenario.case}" if scenario.case else "no fault"
    return " + ".join(told) or plain


def as_csv(rows: Sequence[Item]) -> str:
    """A line for each fault and promise."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEAD)
    writer.writerows(msgspec.structs.astuple(item) for item in rows)
    return text.getvalue()


def _short(cause: Cause) -> tuple[int, str, tuple[str, ...]]:
    return len(cause.story), cause.token, cause.story
