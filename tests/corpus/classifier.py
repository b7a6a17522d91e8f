"""The grader as a classifier: what it says of programs of which we know what they are.

A folder `exerciseN` holds `right/` and `wrong/` submissions, and `survivors.txt`: the mechanical mutants
of the solution that are not rejected, each under the reason why: `equivalent`, `gap`, or `pairs` when it
takes two faults to kill it. The first line of a wrong one names its mistake, the fault that shows it, the
promise that it breaks, and what is said then.
"""

from __future__ import annotations

import re
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Literal

from grader import grade
from grader.exercises import EXERCISES
from grader.judge import replay_file
from saga_lab.sim import EndlessLoop, Trace, Violation, explore
from saga_lab.worlds.world import World
from tests.corpus.mutants import Mutant, mutants, pairs

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
FIRST_LINE = re.compile(
    r"# (?P<id>\S+) .* \| fault: (?P<fault>.*?) \| breaks: (?P<breaks>\S+)(?: \| says: (?P<says>.*))?"
)
Kind = Literal["right", "wrong", "mutant", "pair"]


@dataclass(frozen=True)
class Outcome:
    """What the grader says of one program: `right` when that is what is known of it.

    `verdict`: accepted or rejected; a wrong one is rejected by its `own` promise, or by an`other`; an error
    is one of the grader's own.
    `detail` says how. `scenarios` that ran, and the `seconds` they took.
    """

    exercise: int
    kind: Kind
    name: str
    verdict: Literal["accepted", "rejected", "own", "other", "an error"]
    detail: str
    scenarios: int
    seconds: float

    @property
    def right(self) -> bool:
        return self.verdict == {"right": "accepted", "wrong": "own"}.get(self.kind, "rejected")


def number(path: Path) -> int:
    """The exercise of a file of the corpus."""
    return int(path.parent.parent.name.removeprefix("exercise"))


def corpus(kind: Literal["right", "wrong"]) -> list[Path]:
    """The submissions that are known to be right, or wrong."""
    return sorted(HERE.glob(f"exercise*/{kind}/*.py"))


def solution(exercise: int) -> Path:
    return ROOT / "solutions" / f"{EXERCISES[exercise].module}.py"


def survivors(exercise: int, singles: bool) -> dict[str, tuple[str, str]]:
    """Mutants that survive single faults, or pairs, too: `equivalent`, `gap` or `pairs`, and the reason."""
    found, reason = dict[str, tuple[str, str]](), ("", "")
    path = HERE / f"exercise{exercise}" / "survivors.txt"
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        if line.startswith("# "):
            kind, _, why = line[2:].partition(": ")
            reason = kind, why
        elif line and (singles or reason[0] != "pairs"):
            found[line] = reason
    return found


def made(exercise: int) -> dict[Kind, list[Mutant]]:
    """The mutants of the solution, and the pairs of the commonest mistakes in it."""
    source, statuses = solution(exercise).read_text(encoding="utf-8"), EXERCISES[exercise].rules.statuses
    return {"mutant": list(mutants(source, statuses)), "pair": list(pairs(source, statuses))}


# ---- what the grader says


def judge_right(exercise: int, path: Path, quick: bool) -> Outcome:
    """Accepted, with every point unless `quick`, when only single faults are tried."""
    began = time.monotonic()
    report = grade(exercise, path, quick=quick)
    passed = report.verdict == "pass" and (quick or report.points == report.max_points)
    causes = [(judged.id, cause.token) for judged in report.invariants for cause in judged.causes]
    told = f"{report.verdict}, {report.points} of {report.max_points} points {report.problem} {causes}"
    return Outcome(
        exercise,
        "right",
        path.stem,
        "accepted" if passed else "rejected",
        told,
        report.scenarios.ran,
        time.monotonic() - began,
    )


def judge_wrong(path: Path, quick: bool = False) -> Outcome:
    """Rejected by its own promise under its own fault, and in the words that its first line wants.

    All single faults are tried, or, when `quick`, its own alone.
    """
    began = time.monotonic()
    told = FIRST_LINE.fullmatch(path.read_text(encoding="utf-8").splitlines()[0])
    if told is None:
        raise ValueError(f"{path}: the first line names the mistake, the fault and the promise")
    shown = replay_file(path, told["fault"], number(path)).broken
    words = {x.id: f"{y.expected}. {y.observed}. {y.why or x.why}" for x, y in shown}
    failed, ran = list(words), 1
    if not quick:
        report = grade(number(path), path, quick=True)
        failed = [judged.id for judged in report.invariants if judged.verdict == "fail"]
        ran += report.scenarios.ran
    own = told["breaks"] in failed and (told["says"] or "") in words.get(told["breaks"], "?")
    verdict: Literal["accepted", "own", "other"] = "accepted" if not failed else "own" if own else "other"
    detail = f"{told['breaks']} under {told['fault']}; broken are {failed}, and in that run {words}"
    return Outcome(number(path), "wrong", path.stem, verdict, detail, ran, time.monotonic() - began)


def judge_mutant(exercise: int, kind: Kind, mutant: Mutant, quick: bool) -> Outcome:
    """Single faults, then all pairs unless `quick`, until the first promise breaks; in this process."""
    began, rules = time.monotonic(), EXERCISES[exercise].rules
    ran, killed = 0, ""
    for depth in (1,) if quick else (1, 2):
        watch = _First(rules.judge)
        try:
            with warnings.catch_warnings(action="ignore"):  # of coroutines that nobody awaits
                found = explore(_function(exercise, mutant), EXERCISES[exercise].world, watch, depth)
            killed = ", ".join(f"{x.violation.invariant} under {x.token}" for x in found.findings)
        except _Enough as enough:
            killed = str(enough)
        except EndlessLoop as endless:
            killed = f"it does not come back under {endless.token}"
        except Exception as error:  # told with all the others, for one run takes long
            seconds = time.monotonic() - began
            return Outcome(exercise, kind, mutant.name, "an error", repr(error), watch.ran, seconds)
        ran += watch.ran
        if killed:
            break
    verdict: Literal["accepted", "rejected"] = "rejected" if killed else "accepted"
    return Outcome(exercise, kind, mutant.name, verdict, killed, ran, time.monotonic() - began)


def _function(exercise: int, mutant: Mutant):  # type: ignore[no-untyped-def]
    module = ModuleType("mutant")
    exec(compile(mutant.source, "mutant.py", "exec"), module.__dict__)
    return getattr(module, EXERCISES[exercise].function)


class _Enough(Exception):
    """A mutant is dead."""


class _First:
    """Rules that break off at the first promise broken."""

    def __init__(self, judge) -> None:  # type: ignore[no-untyped-def]
        self._judge = judge
        self.ran = 0

    def judge(self, trace: Trace, world: type[World]) -> list[Violation]:
        self.ran += 1
        if found := self._judge(trace, world):
            raise _Enough(f"{', '.join(x.invariant for x in found)} under {trace.token}")
        return []
