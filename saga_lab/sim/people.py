"""People outside a saga: they cancel it, and answer its promises, in time or too late."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import Raw

from saga_lab import events as e
from saga_lab.fold import fold
from saga_lab.outside import may_answer, may_cancel
from saga_lab.sim.stage import in_seconds
from saga_lab.sim.trace import Outside
from saga_lab.sim.worker import Saga
from saga_lab.worlds.world import Answer, Case

Plan = Callable[[int, Callable[[], None]], None]


class People:
    """Those of one case. `plan` is asked to do something at a time (ms); `now` tells the time.

    `told`: what they said, and whether it counted. The rule is the engine's own.
    """

    def __init__(self, case: Case, first: Saga, now: Callable[[], int], plan: Plan) -> None:
        self.told: list[Outside] = []
        self._answers = case.answers
        self._first = first
        self._now = now
        self._plan = plan
        self._awaited: set[str] = set()
        for answer in self._answers:
            if answer.since == "start":
                self._answer_at(0, answer)

    def wait_begins(self, saga: Saga, promise: str) -> None:
        """Whoever counts from here gives an answer later."""
        if saga is not self._first or promise in self._awaited:
            return
        self._awaited.add(promise)
        for answer in self._answers:
            if answer.since == "wait" and answer.name == promise:
                self._answer_at(self._now(), answer)

    def cancel(self, saga: Saga) -> None:
        """Somebody cancels the saga now."""
        now, record = self._now(), fold(saga.journal)
        in_time = may_cancel(record)
        self.told.append(Outside(now, saga.id, "cancel", accepted=in_time))
        if in_time and not record.cancel_asked:
            saga.hear(e.CancelAsked(id=saga.id, at=in_seconds(now)))

    def _answer_at(self, since: int, answer: Answer) -> None:
        self._plan(since + round(answer.after * 1000), lambda: self._answer(answer))

    def _answer(self, answer: Answer) -> None:
        now, saga, no = self._now(), self._first, answer.refused
        value = e.NOTHING if no else Raw(msgspec.json.encode(answer.value))
        fact = e.PromiseAnswered(answer.name, value, bool(no), no, id=saga.id, at=in_seconds(now))
        in_time = may_answer(fold(saga.journal), answer.name, fact.at)
        self.told.append(Outside(now, saga.id, "answer", answer.name, in_time))
        if in_time:
            saga.hear(fact)


def other_request(request: Raw, id: str) -> Raw:
    """The same request with one value changed, under the same id."""
    fields = msgspec.json.decode(request)
    name = next(name for name, value in fields.items() if value != id and isinstance(value, int | str))
    value = fields[name]
    fields[name] = value + 1 if isinstance(value, int) else f"{value}-other"
    return Raw(msgspec.json.encode(fields))
