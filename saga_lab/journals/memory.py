"""A journal that lives as long as its process: for learning, tests and the simulator."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from saga_lab.events import ENDINGS, Event, Parked, UndoingBegan
from saga_lab.journals.errors import Fenced, Stale
from saga_lab.journals.requests import Only

_FREE = ("", 0.0, 0)
_CHOSEN: dict[Only, Callable[[Sequence[Event]], bool]] = {
    "all": lambda events: True,
    "unfinished": lambda events: not isinstance(events[-1], ENDINGS),
    "parked": lambda events: any(isinstance(event, Parked) for event in events),
    "turned": lambda events: any(isinstance(event, UndoingBegan) for event in events),
}


class MemoryJournal:
    """Several engines may share one; they compete for its sagas as on a disk."""

    leases = True

    def __init__(self) -> None:
        self._events: dict[str, tuple[Event, ...]] = {}  # the garbage collector passes tuples of them by
        self._leases: dict[str, tuple[str, float, int]] = {}  # worker, until, token
        self._watchers: list[Callable[[str], None]] = []

    async def append(
        self, id: str, events: Sequence[Event], expected_version: int, token: int | None = None
    ) -> None:
        if token is not None and token != self._leases.get(id, _FREE)[2]:
            raise Fenced(id)
        self._add(id, events, expected_version)
        if token is None:
            for watcher in self._watchers:
                watcher(id)

    def read(self, id: str, start: int = 0) -> Sequence[Event]:
        return self._events.get(id, ())[start:]

    def ids(self, only: Only = "all") -> list[str]:
        return [id for id, events in self._events.items() if _CHOSEN[only](events)]

    async def claim(
        self,
        id: str,
        worker: str,
        until: float,
        now: float,
        events: Sequence[Event] = (),
        expected_version: int = 0,
    ) -> int | None:
        holder, held_until, token = self._leases.get(id, _FREE)
        if holder != worker:
            if held_until > now:
                return None
            token += 1
        if events:
            self._add(id, events, expected_version)
        self._leases[id] = worker, until, token
        return token

    def watch(self, callback: Callable[[str], None]) -> None:
        self._watchers.append(callback)

    def _add(self, id: str, events: Sequence[Event], expected_version: int) -> None:
        held = self._events.get(id, ())
        if len(held) != expected_version:
            raise Stale(id)
        self._events[id] = (*held, *events)
