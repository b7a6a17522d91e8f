"""Times in words, as a person says them."""

from __future__ import annotations

_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"))


def span(ms: float) -> str:
    """How long, in the largest unit that fits: `40 ms`, `1.5 s`, `16 min`, `30 d`."""
    for size, unit in _UNITS:
        if ms >= 0.995 * size:  # so that nothing is 60 min or 24 h long
            return f"{_short(ms / size)} {unit}"
    return f"{_short(ms)} ms" if ms else "0"


def clock(ms: int) -> str:
    """When, since the run began: `0.04 s`, `16 min 0.1 s`, `1 h 30 s`; whole milliseconds are kept."""
    parts = []
    for size, unit in _UNITS[:-1]:
        whole, ms = divmod(ms, size)
        if whole:
            parts.append(f"{whole} {unit}")
    if ms or not parts:
        parts.append(f"{ms / 1000:.3f}".rstrip("0").rstrip(".") + " s")
    return " ".join(parts)


def _short(value: float) -> str:
    """Three digits at most, where the rest would not be read."""
    return f"{value:.0f}" if value >= 99.5 else f"{value:.1f}".removesuffix(".0")
