"""What is watched while scenarios run: what was judged so far, and whether more would tell anything new."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from grader.report import Medal, level
from grader.rules import Rules
from saga_lab.sim import Exploration, Finding, Trace, Violation, parse
from saga_lab.worlds.world import World

PATIENCE, PATIENCE_WITH_PAIRS, PATIENCE_WHEN_FAILING = 120.0, 900.0, 6.0
"""Real seconds for all single faults, and for all pairs: thousands, of which a slow machine plays a hundred
a second. From the first failure on nobody needs to wait for the rest."""
MOST_ENDLESS, LONG = 3, 100
"""Runs without an end and of so many requests, after which no more are tried."""


class Enough(Exception):
    """More runs would tell nothing new, or take too long."""


@dataclass
class Watch:
    """The rules, with a memory of what was judged, in case the exploration breaks off.

    `patient`: it goes on after a failure, however long that takes, so that no verdict hangs on how busy the
    machine is. `singles`: how many of the runs came before the pairs; None when there are no pairs.
    """

    rules: Rules
    world: type[World]
    patient: bool = False
    patience: float = PATIENCE
    began: float = field(default_factory=time.monotonic)
    failed: float | None = None
    endless: int = 0
    tokens: list[str] = field(default_factory=list)
    traces: list[Trace] = field(default_factory=list)
    singles: int | None = None
    failures: dict[tuple[str, str], list[tuple[Violation, Trace]]] = field(default_factory=dict)
    levels: dict[str, set[Medal]] = field(default_factory=dict)

    def judge(self, trace: Trace, world: type[World]) -> list[Violation]:
        found = self.rules.judge(trace, world)
        self.tokens.append(trace.token)
        self.traces.append(trace)
        if found and self.failed is None:
            self.failed = time.monotonic()
        for violation in found:
            where = violation.missing or operation(trace, violation.turning)
            self.failures.setdefault((violation.invariant, where), []).append((violation, trace))
            self.levels.setdefault(violation.invariant, set()).add(level(parse(trace.token), world))
        self.endless += bool(trace.stopped) and len(trace.requests) > LONG
        if self.endless >= MOST_ENDLESS or self._too_long():
            raise Enough
        return found

    def go_deeper(self) -> None:
        """Pairs follow: they may take longer."""
        self.patience, self.began = PATIENCE_WITH_PAIRS, time.monotonic()
        self.singles, self.endless = len(self.traces), 0

    def _too_long(self) -> bool:
        now = time.monotonic()
        failing = self.failed is not None and now - self.failed > PATIENCE_WHEN_FAILING
        return (failing and not self.patient) or now - self.began > self.patience

    def exploration(self) -> Exploration:
        """What is known when the exploration did not come to its end."""
        findings = []
        for same in self.failures.values():
            violation, trace = min(same, key=lambda x: x[1].token.count(" + "))
            others = tuple(other.token for _, other in same if other is not trace)
            findings.append(Finding(violation, trace.token, trace, others))
        tokens = tuple(dict.fromkeys(self.tokens))
        traces = tuple({trace.token: trace for trace in self.traces}.values())
        return Exploration(len(tokens) + 1, len(tokens), tuple(findings), tokens, False, 1, traces)


def operation(trace: Trace, number: int | None) -> str:
    """The operation of a request by its number; empty when there is none."""
    return trace.requests[number - 1].operation if number else ""
