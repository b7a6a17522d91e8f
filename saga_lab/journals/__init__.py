"""Where journals are kept: what the engine asks of any store, and the store in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from saga_lab.events import Event
from saga_lab.journals.errors import Fenced, JournalError, Stale
from saga_lab.journals.memory import MemoryJournal
from saga_lab.journals.requests import Only

__all__ = ["Fenced", "Journal", "JournalError", "MemoryJournal", "Only", "Stale"]


class Journal(Protocol):
    """An append-only record per saga, with leases for the workers that write it."""

    leases: bool
    """False when nobody else can ever take over, so that no lease needs renewing."""

    async def append(
        self, id: str, events: Sequence[Event], expected_version: int, token: int | None = None
    ) -> None:
        """Add events, durable when this returns.

        Raises `Stale` when the journal is not at `expected_version` (events so far), so that every race
        has one winner; `Fenced` when `token` is not the newest one. No token: a fact from outside.
        """

    def read(self, id: str, start: int = 0) -> Sequence[Event]:
        """The events from `start` on; none when the saga is unknown."""

    def ids(self, only: Only = "all") -> list[str]:
        """The sagas, oldest first, found without reading their events where that can be."""

    async def claim(
        self,
        id: str,
        worker: str,
        until: float,
        now: float,
        events: Sequence[Event] = (),
        expected_version: int = 0,
    ) -> int | None:
        """Lease the saga to `worker` until `until` (seconds): its fencing token, None if another holds it.

        A new worker gets a higher token (Kleppmann, "How to do distributed locking", 2016); the same
        worker keeps its own. The first `events` of its turn are added in the same write; when the journal is
        not at `expected_version`, `Stale` is raised and nobody has a lease that had none.
        """

    def watch(self, callback: Callable[[str], None]) -> None:
        """Call back with a saga's id, within a second, when a fact from outside was appended to it."""
