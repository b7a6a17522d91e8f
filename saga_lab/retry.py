"""How often to try again, and how long to wait in between."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Retry:
    """Exponential back-off with full jitter (Brooker, "Exponential Backoff And Jitter", 2015).

    `attempts` calls in all. Pauses, in seconds, are drawn between nothing and `first`, then `factor`
    times as much each time, at most `longest`. `within` bounds the step as a whole, in seconds.
    """

    attempts: float = 4
    first: float = 0.1
    factor: float = 2
    longest: float = 30
    within: float | None = None

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(f"a step needs at least one attempt, not {self.attempts}")

    @classmethod
    def forever(cls, first: float = 0.1, factor: float = 2, longest: float = 30) -> Retry:
        """Never give up. Nobody will be told that it hangs, so ask for it only where that is right."""
        return cls(math.inf, first, factor, longest)

    def pause(self, failed: int, jitter: float) -> float | None:
        """Seconds to wait after `failed` attempts, with `jitter` from 0 to 1; None when that was the last."""
        if failed >= self.attempts:
            return None
        # A bounded exponent: an endless retry must not overflow.
        return jitter * min(self.longest, self.first * self.factor ** min(failed - 1, 60))
