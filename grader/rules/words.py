"""Amounts and durations as people write them."""

from __future__ import annotations


def in_euros(cents: int) -> str:
    """Cents with a point: -150.00 for -15000."""
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02}"


def duration_in_words(ms: int) -> str:
    """Milliseconds, roughly, as people say it."""
    for size, name in ((86_400_000, "days"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")):
        if ms >= 2 * size or (ms >= size and name != "days"):
            return f"{ms / size:.3g} {name}"
    return f"{ms} ms"
