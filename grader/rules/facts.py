"""What a run shows, in the terms in which rules are written. Computed once, from plain data alone."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from saga_lab import events as e
from saga_lab.sim import Request, Scenario, Trace, parse
from saga_lab.worlds.world import World

MANUAL = "manual_intervention_required"
Call = tuple[str, str]
"""An operation and a key."""


class Facts:
    """One run, seen by a rule."""

    def __init__(self, trace: Trace, world: type[World]) -> None:
        self.trace = trace
        self.world = world
        self.operations = world.operations
        result = trace.result if isinstance(trace.result, dict) else {}
        self.status: str = result.get("status", "") if isinstance(result.get("status", ""), str) else ""
        self.final: dict[str, Any] = trace.instants[-1].ledgers
        self.calls: dict[Call, list[Request]] = {}
        for request in trace.requests:
            self.calls.setdefault((request.operation, request.key), []).append(request)

    @cached_property
    def scenario(self) -> Scenario:
        return parse(self.trace.token)

    @cached_property
    def letters(self) -> list[e.Parked]:
        return [event for event in self.trace.journal if isinstance(event, e.Parked)]

    @cached_property
    def named(self) -> set[str]:
        """Keys that a dead letter names, itself or as still done."""
        keys = {event.step: event.key for event in self.trace.journal if isinstance(event, e.StepBegun)}
        still = {keys.get(step, "") for letter in self.letters for step in letter.still_done}
        return still | {letter.key for letter in self.letters}

    # ---- the scenario

    @cached_property
    def refused(self) -> list[Request]:
        """Actions that were told no, and had not been done before."""
        return [r for r in self.trace.requests if r.role == "action" and r.answer == "refused"]

    @cached_property
    def only_finite(self) -> bool:
        """Every fault passes by itself, and nobody said no."""
        return not self.refused and all(
            not fault.endless and fault.kind != "refuse" for fault in self.scenario.faults
        )

    def for_good(self, *kinds: str) -> bool:
        """An endless fault strikes an operation of one of these roles or kinds."""
        operations = [
            self.operations.get(fault.site.operation) for fault in self.scenario.faults if fault.endless
        ]
        return any(
            operation and (operation.role in kinds or operation.kind in kinds) for operation in operations
        )

    # ---- the actions

    @cached_property
    def undo_of(self) -> dict[str, str]:
        """The undo of each action that has one."""
        return {x.of: x.name for x in self.operations.values() if x.role == "undo"}

    @cached_property
    def actions(self) -> list[Call]:
        """The actions that have an undo, as they were first asked for."""
        return [call for call in self.calls if call[0] in self.undo_of]

    def may_stand(self, call: Call) -> bool:
        """As far as the saga could know, this action may have happened."""
        answers = [request.answer for request in self.calls[call]]
        if "value" in answers:
            return True
        if "refused" in answers or all(answer == "unavailable" for answer in answers):
            return False
        return not any(answer == "undone" for answer in self.looked_up(call))

    def looked_up(self, call: Call) -> list[str]:
        """What look-ups said about an action."""
        return [
            request.value["state"]
            for (operation, key), requests in self.calls.items()
            if key == call[1] and self.operations[operation].role == "look-up"
            for request in requests
            if isinstance(request.value, dict) and self.operations[operation].of == call[0]
        ]

    def undos(self, call: Call) -> list[Request]:
        """The requests that take an action back."""
        return self.calls.get((self.undo_of[call[0]], call[1]), [])

    @cached_property
    def pivot_known(self) -> bool:
        """The saga was told that its pivot is done."""
        return any(
            self.operations[call[0]].kind == "pivot"
            and (any(r.answer == "value" for r in self.calls[call]) or "done" in self.looked_up(call))
            for call in self.calls
            if self.operations[call[0]].role == "action"
        )

    def effects(self, *words: str) -> list[tuple[int, Request]]:
        """When services did something, and for which request, in order."""
        found = [(at, r) for r in self.trace.requests for at, effect in r.effects if effect in words]
        return sorted(found, key=lambda pair: (pair[0], pair[1].number))
