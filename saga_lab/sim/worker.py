"""Who runs a saga, as the scheduler sees it: its journal, and its workers one after another."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Raw

from saga_lab import events as e
from saga_lab.sim.messages import Ended, Reply, in_words

if TYPE_CHECKING:
    from saga_lab.sim.sent import Sent


@dataclass(slots=True, eq=False)
class Worker:
    """One incarnation. `life`: the candidate's process that it runs in; `wake`: its next timer, in ms."""

    saga: Saga
    incarnation: int
    life: int
    alive: bool = True
    wake: int | None = None
    waiting: dict[int, Sent] = field(default_factory=dict)
    answers: list[tuple[Sent, Reply]] = field(default_factory=list)
    facts: list[e.Event] = field(default_factory=list)

    def has_work(self, now: int) -> bool:
        """Something arrived for it, or a timer of its is due."""
        return bool(self.answers or self.facts) or (self.wake is not None and self.wake <= now)


@dataclass(slots=True, eq=False)
class Saga:
    """One saga. `worker` holds its lease: whoever else still runs it can write no more.

    `begun`: its steps whose intent was written, by name and occurrence.
    `finished` is what the one who submitted it got, `over` when its end became durable, in ms. `again`
    and `conflict` are what was told to those who submitted it once more.
    """

    id: str
    request: Raw
    journal: list[e.Event] = field(default_factory=list)
    begun: set[tuple[str, int]] = field(default_factory=set)
    incarnations: int = 0
    worker: Worker | None = None
    finished: Ended | None = None
    over: int | None = None
    again: Any = None
    conflict: str = ""

    def next_worker(self, life: int) -> Worker:
        """Another worker takes the saga over."""
        self.incarnations += 1
        self.worker = Worker(self, self.incarnations, life)
        return self.worker

    @property
    def result(self) -> Any:
        """What it returned, as plain data."""
        returned = self._returned
        return None if returned is None else msgspec.json.decode(returned.value)

    @property
    def _returned(self) -> e.Returned | None:
        return next((event for event in reversed(self.journal) if isinstance(event, e.Returned)), None)

    @property
    def error(self) -> str:
        """What left it in place of a result."""
        if self._returned is not None:
            return ""
        for event in self.journal:
            if isinstance(event, e.Raised):
                return in_words(event.kind.partition(":")[2], event.reason)
        stuck = next((event for event in self.journal if isinstance(event, e.Stuck)), None)
        return "" if stuck is None else in_words(stuck.why, stuck.reason)

    def hear(self, fact: e.Event) -> None:
        """Somebody outside appends a fact, of which a worker that lives hears at once."""
        self.journal.append(fact)
        if self.worker is not None and self.worker.alive:
            self.worker.facts.append(fact)
