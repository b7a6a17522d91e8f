"""What went wrong, once per cause: its shortest story, and the other scenarios that tell the same one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from saga_lab.sim.faults import Scenario
from saga_lab.sim.trace import Trace


class Violation(Struct, frozen=True):
    """A promise that a run broke.

    `turning` is the request at which it went wrong, `missing` an operation that was never asked for.
    """

    invariant: str
    expected: str
    observed: str
    turning: int | None = None
    missing: str = ""


class Finding(Struct, frozen=True):
    """One cause: its shortest story, and the other scenarios that tell the same one."""

    violation: Violation
    token: str
    trace: Trace
    others: tuple[str, ...] = ()


class Failures:
    """All that went wrong. `play` plays a scenario (True: line by line), `judge` tells what a run broke."""

    def __init__(
        self, play: Callable[[Scenario, bool], Trace], judge: Callable[[Trace], Sequence[Violation]]
    ) -> None:
        self._play = play
        self._judge = judge
        self._causes: dict[tuple[str, str], list[tuple[Scenario, Violation]]] = {}

    def add(self, scenario: Scenario, violation: Violation, trace: Trace) -> None:
        cause = violation.invariant, _turning(violation, trace)
        self._causes.setdefault(cause, []).append((scenario, violation))

    def of_promises(self, *but: str) -> set[Scenario]:
        """The scenarios that broke any promise, `but` these."""
        grave = [runs for (invariant, _), runs in self._causes.items() if invariant not in but]
        return {scenario for runs in grave for scenario, _ in runs}

    def findings(self) -> tuple[Finding, ...]:
        """One per cause; groups whose shortest stories turn out to be the same are one."""
        found: dict[tuple[str, str], Finding] = {}
        for failures in self._causes.values():
            new = self._finding(failures)
            cause = (new.violation.invariant, new.token)
            if old := found.get(cause):
                new = replace(old, others=(*old.others, new.token, *new.others))
            found[cause] = new
        return tuple(found.values())

    def _finding(self, failures: list[tuple[Scenario, Violation]]) -> Finding:
        """The shortest story of a group, with every fault left out that can be."""
        shortest = min(failures, key=lambda failure: len(failure[0].faults))
        others = tuple(str(failure[0]) for failure in failures if failure is not shortest)
        scenario, violation = shortest
        while smaller := next(self._still_failing(scenario, violation), None):
            scenario, violation = smaller
        return Finding(violation, str(scenario), self._play(scenario, True), others)

    def _still_failing(
        self, scenario: Scenario, violation: Violation
    ) -> Iterator[tuple[Scenario, Violation]]:
        """The scenarios with one thing less in which the same invariant fails."""
        for smaller in _one_less(scenario):
            for other in self._judge(self._play(smaller, False)):
                if other.invariant == violation.invariant:
                    yield smaller, other


def _one_less(scenario: Scenario) -> Iterator[Scenario]:
    for more in ("again", "again_other", "recover"):
        if getattr(scenario, more):
            yield replace(scenario, **{more: False})
    for place in reversed(range(len(scenario.faults))):
        yield replace(scenario, faults=scenario.faults[:place] + scenario.faults[place + 1 :])


def _turning(violation: Violation, trace: Trace) -> str:
    """Where it went wrong, in words that are the same for all scenarios of one cause."""
    if violation.missing:
        return f"no {violation.missing}"
    if not violation.turning:
        return ""
    request = trace.requests[violation.turning - 1]
    return f"{request.operation} {request.answer}"
