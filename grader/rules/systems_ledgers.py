"""What both stores and the router show of a migration, and what the saga could know of its switch."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from grader.rules.facts import Facts
from saga_lab.sim import Request

COPY, VERIFY, SWITCH = "store.copy", "store.verify", "router.switch"
Known = Literal["not asked", "not done", "done", "in doubt"]


class Batch(NamedTuple):
    """The positions [start, stop) that were copied under one key, and the requests for that."""

    start: int
    stop: int
    requests: list[Request]

    @property
    def begun(self) -> int:
        """When it was first asked for, in ms."""
        return self.requests[0].sent

    @property
    def answered(self) -> int | None:
        """When the saga first knew that it was done."""
        return min((r.answered for r in self.requests if r.answer == "value" and r.answered), default=None)


def batches(facts: Facts) -> list[Batch]:
    """What was asked to be copied, in the order in which it was first asked; not what makes no sense."""
    return [
        Batch(requests[0].args[1], requests[0].args[2], requests)
        for (operation, _), requests in facts.calls.items()
        if operation == COPY and len(requests[0].args) == 3
    ]


def copied(facts: Facts, before: Request) -> list[Batch]:
    """The batches that had been copied when a request was made."""
    return [
        batch
        for batch in batches(facts)
        if any(effect == "done" and at <= before.sent for r in batch.requests for at, effect in r.effects)
    ]


def traffic(ledgers: dict[str, Any]) -> str:
    """Which store is read."""
    return f"the {ledgers['router']['routing']} store"


def dual_write(ledgers: dict[str, Any]) -> str:
    """Whether both stores take every write."""
    return "on" if ledgers["router"]["dual write"] else "off"


def old_store(ledgers: dict[str, Any]) -> str:
    """Whether it takes writes, and how far it is behind what the client was told."""
    behind = ledgers["old"]["behind"]
    return ("on" if ledgers["old"]["enabled"] else "off") + (f", {behind} rows behind" if behind else "")


def verified(facts: Facts, before: Request) -> bool:
    """The last that the saga had been told is that both stores hold the same, and they did."""
    told = [
        r
        for r in facts.requests
        if r.operation == VERIFY and r.answer == "value" and (r.answered or 0) <= before.sent
    ]
    return bool(told) and told[-1].value is True and _at(facts, told[-1])["store"]["behind"] == 0


def _at(facts: Facts, request: Request) -> dict[str, Any]:
    """The ledgers when a service handled this request."""
    at = request.effects[0][0]
    return next(x.ledgers for x in reversed(facts.trace.instants) if x.at <= at)


def switched(facts: Facts, before: Request) -> Known:
    """What the saga could know of the switch when it made a request."""
    asked = [r for r in facts.requests if r.operation == SWITCH and r.number < before.number]
    keys = {r.key for r in asked}
    answers = {r.answer if r.answered is not None and r.answered <= before.sent else "" for r in asked}
    found = {
        r.value["state"]
        for r in facts.requests
        if r.role == "look-up" and r.key in keys and isinstance(r.value, dict) and r.number < before.number
    }
    if not asked:
        return "not asked"
    if "value" in answers or "done" in found:
        return "done"
    return (
        "not done" if "refused" in answers or answers == {"unavailable"} or "undone" in found else "in doubt"
    )
