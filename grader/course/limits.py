"""How much one learner may send, and what is wrong with a request, in words."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

MOST_BYTES = 5_000_000
"""Of a request: a notebook with its pictures has less, and 200 of these at once still fit into memory."""
AT_ONCE, EACH = 30, 20.0


class Problem(Exception):
    """What is wrong with a request, in words, and its HTTP status."""

    def __init__(self, status: int, text: str, **headers: str) -> None:
        super().__init__(text)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Allowance:
    """So many hand-ins at once, and another one every so many seconds: enough for anybody who thinks.

    By learner, never by address: a class sits behind one.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = Lock()
        self._full_at: dict[str, float] = {}

    def take(self, learner: str) -> None:
        """Count one. Raises Problem with status 429 when none is left."""
        with self._lock:
            now = self._now()
            full = max(self._full_at.get(learner, now), now) + EACH
            if full > now + AT_ONCE * EACH:
                left = full - now - AT_ONCE * EACH
                raise Problem(
                    429,
                    f"That is {AT_ONCE} files in a short while, and nothing of this one was kept. Hand it in "
                    f"again in {left:.0f} s; meanwhile saga-lab grade tells you the same.",
                    Retry_After=f"{left:.0f}",
                )
            self._full_at[learner] = full
