"""What learners see while it happens: server-sent events, one stream for each page that is open."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec

STILL_THERE = 15.0
"""Seconds after which a silent stream says so, lest a proxy ends it, and looks what others changed."""


class News:
    """Tells the open pages of a learner that something changed; from any thread."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._open: dict[str, set[asyncio.Event]] = defaultdict(set)

    def tell(self, learner: str) -> None:
        """Something of this learner changed."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ring, learner)

    async def stream(self, learner: str, shown: Callable[[], Awaitable[str]]) -> AsyncIterator[str]:
        """What is `shown` to the learner, each time it changes, as server-sent events."""
        self._loop = asyncio.get_running_loop()
        bell, last = asyncio.Event(), None
        self._open[learner].add(bell)
        try:
            while True:
                bell.clear()
                now = await shown()
                yield f"data: {msgspec.json.encode(now).decode()}\n\n" if now != last else ": nothing new\n\n"
                last = now
                try:
                    await asyncio.wait_for(bell.wait(), STILL_THERE)
                except TimeoutError:
                    continue
        finally:
            self._open[learner].discard(bell)

    def _ring(self, learner: str) -> None:
        for bell in self._open[learner]:
            bell.set()
