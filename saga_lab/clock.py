"""Where time comes from: the time of day, or whatever a simulation says."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> float:
        """Seconds since some fixed instant, the same for all workers of a journal."""

    async def sleep(self, seconds: float) -> None:
        """Return that much later."""


class SystemClock:
    """The time of day."""

    def now(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
