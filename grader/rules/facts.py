"""What a run shows, in the terms in which promises are written. Made once per run, from plain data alone."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any

from saga_lab import events as e
from saga_lab.sim import Request, Scenario, Trace, parse
from saga_lab.worlds.world import World

MANUAL = "manual_intervention_required"
Call = tuple[str, str]
"""An operation and a key."""


@lru_cache
def _undos(world: type[World]) -> dict[str, str]:
    """The undo of each action that has one."""
    return {x.of: x.name for x in world.operations.values() if x.role == "undo"}


class Facts:
    """One run, seen by a promise.

    `status` is what the saga returned, empty when it is no text; `final` the ledgers at the end; `calls`
    the requests of each operation and key, in the order in which they were first asked; `actions` those
    among them that have an undo.
    """

    def __init__(self, trace: Trace, world: type[World], ordinary: Mapping[str, str]) -> None:
        self.trace = trace
        self.world = world
        self.operations = world.operations
        self.ordinary = ordinary[trace.case]
        result = trace.result
        status = result.get("status", "") if isinstance(result, dict) else ""
        self.status: str = status if isinstance(status, str) else ""
        self.final: dict[str, Any] = trace.instants[-1].ledgers
        self.undo_of = _undos(world)
        self.refused: list[Request] = []
        self.first_undo: Request | None = None
        calls: dict[Call, list[Request]] = {}
        for request in trace.requests:
            call = (request.operation, request.key)
            if call in calls:
                calls[call].append(request)
            else:
                calls[call] = [request]
            if request.answer == "refused" and request.role == "action":
                self.refused.append(request)
            elif request.role == "undo" and self.first_undo is None:
                self.first_undo = request
        self.calls = calls
        self.actions = [call for call in calls if call[0] in self.undo_of]

    # ---- the scenario

    @cached_property
    def scenario(self) -> Scenario:
        return parse(self.trace.token)

    @property
    def finite(self) -> bool:
        """There are faults, each of which passes by itself, and none is a no."""
        token = self.trace.token
        return "*" not in token and ":refuse" not in token and bool(self.scenario.faults)

    def endless(self, *roles: str) -> bool:
        """A fault without end strikes an operation of one of these roles or kinds (any, if none is given)."""
        for fault in self.scenario.faults:
            operation = self.operations.get(fault.site.operation)
            if fault.endless and operation and (not roles or {operation.role, operation.kind} & set(roles)):
                return True
        return False

    # ---- what the saga could know

    def may_stand(self, call: Call) -> bool:
        """As far as the saga could know, this action may have happened."""
        answers = {request.answer for request in self.calls[call]}
        if "value" in answers:
            return True
        if "refused" in answers or answers == {"unavailable"}:
            return False
        return "undone" not in self.looked_up(call)

    def looked_up(self, call: Call) -> list[str]:
        """What look-ups said about an action: done, unseen, undone."""
        return [
            request.value["state"]
            for (operation, key), requests in self.calls.items()
            if key == call[1]
            and self.operations[operation].role == "look-up"
            and self.operations[operation].of == call[0]
            for request in requests
            if isinstance(request.value, dict)
        ]

    def undos(self, call: Call) -> list[Request]:
        """The requests that take an action back."""
        return self.calls.get((self.undo_of[call[0]], call[1]), [])

    @cached_property
    def unsure(self) -> Call | None:
        """An action that may stand, whose undo was tried and never answered, nor found by a look-up."""
        for call in self.actions:
            undos = self.undos(call)
            if undos and self.may_stand(call) and not any(r.answer == "value" for r in undos):
                later = self.looked_up(call)
                if not later or later[-1] != "undone":
                    return call
        return None

    @cached_property
    def pivot_known(self) -> bool:
        """The saga was told that its pivot is done, and has not taken it back."""
        for call, requests in self.calls.items():
            operation = self.operations[call[0]]
            if operation.role != "action" or operation.kind != "pivot":
                continue
            told = any(r.answer == "value" for r in requests) or "done" in self.looked_up(call)
            if told and not (call[0] in self.undo_of and self.undos(call)):
                return True
        return False

    def since(self, requests: list[Request]) -> str:
        """How long the saga kept asking, in words."""
        seconds = (requests[-1].sent - requests[0].sent) / 1000
        return f"{seconds / 3600:.0f} h" if seconds >= 7200 else f"{seconds:.0f} s"

    # ---- what is written down

    @cached_property
    def letters(self) -> list[e.Parked]:
        """The dead letters, in the order in which they were written."""
        return [event for event in self.trace.journal if isinstance(event, e.Parked)]

    @cached_property
    def named(self) -> set[str]:
        """Keys that a dead letter names, as its own or as what is still done."""
        keys = {event.step: event.key for event in self.trace.journal if isinstance(event, e.StepBegun)}
        still = {keys.get(step, step) for letter in self.letters for step in letter.still_done}
        return still | {letter.key for letter in self.letters if letter.key}

    # ---- what happened in the world

    def effects(self, *words: str) -> list[tuple[int, Request]]:
        """When services did something, and for which request, in order."""
        found = [(at, r) for r in self.trace.requests for at, effect in r.effects if effect in words]
        return sorted(found, key=lambda pair: (pair[0], pair[1].number))

    def last(self, operation: str) -> int | None:
        """The number of the last request of an operation, None when there is none."""
        return next((r.number for r in reversed(self.trace.requests) if r.operation == operation), None)
