"""A journal that lives as long as its process: for learning, tests and the simulator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from saga_lab.events import ENDINGS, Event, Parked
from saga_lab.journals.errors import Fenced, Stale
from saga_lab.journals.requests import Only


@dataclass(slots=True)
class _Lease:
    worker: str
    until: float
    token: int


_CHOSEN: dict[Only, Callable[[Sequence[Event]], bool]] = {
    "all": lambda events: True,
    "unfinished": lambda events: not isinstance(events[-1], ENDINGS),
    "parked": lambda events: any(isinstance(event, Parked) for event in events),
}


class MemoryJournal:
    """Several engines may share one; they compete for its sagas as on a disk."""

    leases = True

    def __init__(self) -> None:
        self._events: dict[str, list[Event]] = {}
        self._leases: dict[str, _Lease] = {}
        self._watchers: list[Callable[[str], None]] = []

    async def append(
        self, id: str, events: Sequence[Event], expected_version: int, token: int | None = None
    ) -> None:
        lease = self._leases.get(id)
        if token is not None and (lease is None or lease.token != token):
            raise Fenced(id)
        held = self._events.get(id, [])
        if len(held) != expected_version:
            raise Stale(id)
        held.extend(events)
        self._events[id] = held
        if token is None:
            for watcher in self._watchers:
                watcher(id)

    def read(self, id: str, start: int = 0) -> list[Event]:
        return self._events.get(id, [])[start:]

    def ids(self, only: Only = "all") -> list[str]:
        return [id for id, events in self._events.items() if _CHOSEN[only](events)]

    async def claim(self, id: str, worker: str, until: float, now: float) -> int | None:
        lease = self._leases.get(id)
        if lease is None:
            lease = self._leases[id] = _Lease(worker, until, 1)
        elif lease.worker != worker:
            if lease.until > now:
                return None
            lease = self._leases[id] = _Lease(worker, until, lease.token + 1)
        lease.until = until
        return lease.token

    def watch(self, callback: Callable[[str], None]) -> None:
        self._watchers.append(callback)
