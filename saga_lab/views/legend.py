"""The key under a picture: only what occurs in it, each sign beside its word."""

from __future__ import annotations

from collections.abc import Iterable

from saga_lab.views.svg import group, quiet, width

SIGN, LINE, SIZE = 20.0, 19.0, 11.0


def legend(entries: Iterable[tuple[str, str]], left: float, right: float, top: float) -> tuple[str, float]:
    """Signs drawn in a box 20 px wide about their origin, with their words; and where the key ends."""
    x, y, drawn = left, top, []
    for sign, words in entries:
        room = SIGN + 6 + width(words, SIZE) + 14
        if x + room > right and x > left:
            x, y = left, y + LINE
        moved = group(sign, transform=f"translate({x + SIGN / 2:.1f} {y:.1f})")
        drawn.append(moved + quiet(x + SIGN + 6, y + 4, words, SIZE))
        x += room
    return "".join(drawn), y + LINE if drawn else top
