"""A request under way, between the call and whatever becomes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from saga_lab.sim.faults import Fault
from saga_lab.sim.messages import Call, Reply
from saga_lab.sim.trace import Request
from saga_lab.sim.worker import Worker
from saga_lab.worlds.world import Effect, Operation


@dataclass(slots=True)
class Sent:
    """One request. `reply` is set when the saga's side learns it, which may be never."""

    number: int
    call: Call
    operation: Operation
    args: list[Any]
    about: str
    nth: int
    attempt: int
    worker: Worker
    sent: int
    fault: Fault | None
    effects: list[tuple[int, Effect]] = field(default_factory=list)
    answered: int | None = None
    reply: Reply | None = None
    given_up: int | None = None

    def learn(self, reply: Reply, now: int) -> None:
        """The answer reaches the caller."""
        self.answered, self.reply = now, reply

    def give_up(self, now: int) -> None:
        """The caller waits no longer; an answer that came in the same instant was not heard."""
        self.answered = self.reply = None
        self.given_up = now

    def told(self) -> Request:
        """What a trace says of it."""
        call, operation, reply = self.call, self.operation, self.reply
        return Request(
            number=self.number,
            operation=operation.name,
            role=operation.role,
            kind=operation.kind,
            key=call.key,
            args=tuple(self.args),
            about=self.about,
            nth=self.nth,
            attempt=self.attempt,
            incarnation=self.worker.incarnation,
            sent=self.sent,
            fault=self.fault.word if self.fault else "",
            effects=tuple(self.effects),
            answered=self.answered,
            answer="" if reply is None else reply.error or "value",
            value=None if reply is None or reply.error else msgspec.json.decode(reply.value),
            reason="" if reply is None else reply.reason,
            code="" if reply is None else reply.code,
            given_up=self.given_up,
            line=call.line,
            saga=self.worker.saga.id,
        )
