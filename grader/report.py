"""The report: one result, from which every message, page and exit code is made. Plain data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from grader.sandbox import Means
from saga_lab.sim import Fault, Scenario, Trace
from saga_lab.worlds.world import World

Verdict = Literal["pass", "fail", "unknown", "not run", "grader error"]
Medal = Literal["bronze", "silver", "gold"]
MEDALS: tuple[Medal, ...] = ("bronze", "silver", "gold")
USUAL = {"slow": 300_000, "late": 3_600_000, "twice": 3_600_000, "crash-after": 960_000, "crash": 960_000}
"""How long a fault of each kind usually lasts, in ms; any other time is chosen around a deadline."""


class Cause(Struct, frozen=True):
    """One story that goes wrong: `token` repeats it, `others` more scenarios tell the same.

    `again` is what to type to see it again: a command, or an expression for a function of this process.
    `turn` is the same for all stories that turn at the same point. `code`: the learner's own line.
    `trace` is the run itself, if there is one, and `alike` are some of the others; neither is written to
    JSON.
    """

    token: str
    status: str
    faults: str
    expected: str
    observed: str
    why: str
    story: tuple[str, ...]
    again: str
    code: str = ""
    turn: str = ""
    others: int = 0
    trace: Trace | None = None
    alike: tuple[Trace, ...] = ()


class Judged(Struct, frozen=True):
    """The verdict on one invariant. A pass has proof: scenarios that put it to the test ran, all of them."""

    id: str
    promise: str
    verdict: Verdict
    points: int
    max_points: int
    notebook: int
    causes: tuple[Cause, ...] = ()


class Remark(Struct, frozen=True):
    """What is risky, why, and what to do instead; `code`: the learner's own line, if it is in the source."""

    id: str
    observed: str
    why: str
    todo: str
    code: str = ""


class Scenarios(Struct, frozen=True):
    """How many exist, ran, and were left out since no saga has to stand them. `cases`: without faults."""

    exist: int = 0
    ran: int = 0
    pruned: int = 0
    cases: int = 0


class Report(Struct, frozen=True):
    """The result of grading.

    `sandbox`: what confined the submission; "" for a function of this process, and when nothing ran.
    `problem` says why nothing could be judged, when that is so (then the verdict is `not run`, or
    `grader error`). `depth`: 1 for single faults, 2 for pairs too.
    """

    exercise: int
    title: str
    file: str
    verdict: Verdict
    medal: Medal | None = None
    medals: dict[str, Verdict] = {}
    points: int = 0
    max_points: int = 0
    scenarios: Scenarios = Scenarios()
    depth: int = 1
    sandbox: Means | Literal[""] = ""
    invariants: tuple[Judged, ...] = ()
    warnings: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = ()
    problem: str = ""

    @property
    def exit_code(self) -> int:
        """0 passed, 1 not, 2 could not be run at all, 3 an error of the grader's own."""
        return {"pass": 0, "not run": 2, "grader error": 3}.get(self.verdict, 1)

    def __str__(self) -> str:
        from grader.message import text

        return text(self)

    def _repr_mimebundle_(
        self, include: Sequence[str] | None = None, exclude: Sequence[str] | None = None
    ) -> dict[str, str]:
        """In a notebook: the first failure, with its timeline."""
        from grader.message import text
        from grader.pages.fragment import fragment

        return {"text/plain": text(self, most=1), "text/html": fragment(self, most=1)}


def without_runs(report: Report) -> Report:
    """Small and plain, for another process: replays give the runs again."""
    told = [
        replace(judged, causes=tuple(replace(cause, trace=None, alike=()) for cause in judged.causes))
        for judged in report.invariants
    ]
    return replace(report, invariants=tuple(told))


def as_json(report: Report) -> str:
    """The report as documented JSON: what a learner may see."""
    data: dict[str, Any] = msgspec.to_builtins(without_runs(report))
    for judged in data["invariants"]:
        for cause in judged["causes"]:
            del cause["trace"], cause["alike"]
    return msgspec.json.format(msgspec.json.encode(data), indent=2).decode()


def level(scenario: Scenario, world: type[World]) -> Medal:
    """The medal that a scenario stands for. A refusal is an answer, so it does not make a pair."""
    faults = [fault for fault in scenario.faults if fault.kind != "refuse"]
    if len(faults) > 1 or any(_is_gold(fault, world) for fault in faults):
        return "gold"
    more = scenario.again or scenario.again_other or scenario.recover
    return "bronze" if all(_is_bronze(fault, world) for fault in faults) and not more else "silver"


def _is_bronze(fault: Fault, world: type[World]) -> bool:
    operation = world.operations.get(fault.site.operation)
    once_or_ever = fault.times == 1 or fault.endless
    return fault.kind == "down" and once_or_ever and operation is not None and operation.role == "action"


def _is_gold(fault: Fault, world: type[World]) -> bool:
    """Rivals, cancels, deadlines, and what never ends where the saga undoes or looks."""
    operation = world.operations.get(fault.site.operation)
    quiet = operation is not None and operation.role in ("undo", "look-up", "read")
    deadline = fault.after is not None and fault.after != USUAL.get(fault.kind)
    return fault.kind in ("then", "cancel") or deadline or (fault.endless and quiet)
