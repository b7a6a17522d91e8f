"""The time axis of a picture: long waits folded away, broken into rows when one is not enough.

Between two instants at which something happens, time runs evenly. How many pixels a stretch gets
depends on how long it is, but nothing is so short that it cannot be seen, and a wait much longer than
the run's ordinary steps is folded to the width of its own label.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from msgspec import Struct

from saga_lab.views.svg import width
from saga_lab.views.words import span

LONG = 20
"""Times an ordinary stretch, from which on a wait is folded."""
SHORTEST, TYPICAL, WIDEST = 6.0, 14.0, 110.0
"""Px: the least that any stretch gets, that an ordinary one should get, and the most it may get."""


class Span(Struct, frozen=True, order=True):
    """Something that lasts, in ms; `room`: the px it needs to be read, unless it is folded."""

    start: int
    end: int
    room: float = 0.0


class Stretch(Struct, frozen=True):
    """A piece of the axis with one scale: times in ms, the rest in px of the row it is in."""

    start: int
    end: int
    row: int
    left: float
    right: float
    folded: bool


class Piece(Struct, frozen=True):
    """What one row shows of something that lasts; `opens` and `closes` when its ends are there."""

    row: int
    left: float
    right: float
    opens: bool
    closes: bool


class Tick(Struct, frozen=True):
    """A label under the axis, about `middle`; `fold` when it says how much was folded away."""

    row: int
    x: float
    middle: float
    words: str
    fold: bool


class Axis(Struct, frozen=True):
    """Where an instant is drawn."""

    stretches: tuple[Stretch, ...]

    @property
    def rows(self) -> int:
        return self.stretches[-1].row + 1

    def place(self, ms: int, closing: bool = False) -> tuple[int, float]:
        """Row and x of an instant. Where a row breaks, `closing` stays at its end."""
        starts = [stretch.start for stretch in self.stretches]
        at = (bisect_left if closing else bisect_right)(starts, ms) - 1
        stretch = self.stretches[max(at, 0)]
        share = (ms - stretch.start) / (stretch.end - stretch.start)
        return stretch.row, stretch.left + min(max(share, 0), 1) * (stretch.right - stretch.left)

    def pieces(self, start: int, end: int) -> list[Piece]:
        """The rows that something crosses, with the part that each shows."""
        first, left = self.place(start)
        last, right = self.place(end, closing=True)
        if last <= first:
            return [Piece(first, left, max(right, left) if last == first else left, True, True)]
        return [
            Piece(
                row,
                left if row == first else self.edges(row)[0],
                right if row == last else self.edges(row)[1],
                row == first,
                row == last,
            )
            for row in range(first, last + 1)
        ]

    def within(self, start: int, end: int, ms: int) -> tuple[int, float]:
        """Row and x of an instant of something that lasts: at its end it stays in the row that ends there."""
        return self.place(ms, closing=start < ms == end)

    def edges(self, row: int) -> tuple[float, float]:
        """Where a row begins and ends."""
        inside = [stretch for stretch in self.stretches if stretch.row == row]
        return inside[0].left, inside[-1].right

    def folds(self, row: int) -> list[Stretch]:
        """What was cut out of a row."""
        return [stretch for stretch in self.stretches if stretch.folded and stretch.row == row]

    def ticks(self) -> list[Tick]:
        """Labels that do not touch: the folds' lengths, and round times counted from the last fold."""
        found = [
            _tick(self, fold.row, (fold.left + fold.right) / 2, span(fold.end - fold.start), True)
            for fold in self.stretches
            if fold.folded
        ]
        base, folds = self.stretches[0].start, False
        for even in _evenly(self.stretches):
            if even[0].folded:
                base, folds = even[0].end, True
                continue
            for tick in _round_times(self, even, base, folds):
                if all(_apart(tick, other) for other in found):
                    found.append(tick)
        return sorted(found, key=lambda tick: (tick.row, tick.x))


def axis(instants: Iterable[int], spans: Iterable[Span], left: float, right: float) -> Axis:
    """Lay out a run between two sides. Rows break, if they must, where nothing is under way."""
    times = sorted({0, *instants, *(time for each in spans for time in (each.start, each.end))})
    if len(times) == 1:
        times.append(times[0] + 1)
    gaps = sorted(after - before for before, after in pairwise(times))
    usual = max(gaps[len(gaps) // 4], 10)
    times = list(_divided(times, usual))
    gaps = [after - before for before, after in pairwise(times)]
    folded = [gap > LONG * usual for gap in gaps]
    floors = _floors(times, folded, sorted(spans))
    widths, rows = _fit(gaps, folded, floors, usual, right - left)
    quiet = [not any(each.start < time < each.end for each in spans) for time in times[1:]]
    cuts = _cuts(widths, quiet, sum(widths) / rows, right - left) if rows > 1 else [len(widths)]
    stretches, begin = [], 0
    for row, end in enumerate(cuts):
        x = left
        # A last row that is nearly empty keeps its scale: stretched, it would look slow.
        grow = (right - left) / sum(widths[begin:end])
        grow = grow if rows > 1 and grow < 1.6 else 1
        for at in range(begin, end):
            after = x + widths[at] * grow
            stretches.append(Stretch(times[at], times[at + 1], row, x, after, folded[at]))
            x = after
        begin = end
    return Axis(tuple(stretches))


def _divided(times: Sequence[int], usual: int) -> Iterator[int]:
    """Long stretches in several parts, so that a row can break within them; what is folded stays whole."""
    for before, after in pairwise(times):
        parts = 1 if after - before > LONG * usual else -(-(after - before) // (3 * usual))
        yield from (before + (after - before) * part // parts for part in range(parts))
    yield times[-1]


def _floors(times: Sequence[int], folded: Sequence[bool], spans: Sequence[Span]) -> list[float]:
    """The least px of each stretch: what lasts there must have its room."""
    floors = [
        max(width(span(after - before), 11) + 20, 44) if long else SHORTEST
        for (before, after), long in zip(pairwise(times), folded, strict=True)
    ]
    for each in spans:
        inside = range(bisect_left(times, each.start), bisect_left(times, each.end))
        even = [at for at in inside if not folded[at]]
        have = sum(floors[at] for at in inside if folded[at])
        for at in even:
            floors[at] = max(floors[at], (each.room - have) / len(even))
    return floors


def _fit(
    gaps: Sequence[int], folded: Sequence[bool], floors: Sequence[float], usual: int, room: float
) -> tuple[list[float], int]:
    """The px of each stretch, and the fewest rows in which an ordinary one can be read."""

    def widths(scale: float) -> list[float]:
        return [
            floor if long else max(floor, gap * scale)
            for gap, long, floor in zip(gaps, folded, floors, strict=True)
        ]

    rows = 1
    while sum(widths(TYPICAL / 4 / usual if rows == 1 else TYPICAL / usual)) > rows * room:
        rows += 1
    low, high = 0.0, WIDEST / usual
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if sum(widths(middle)) <= (rows - 0.1 * (rows > 1)) * room else (low, middle)
        )
    return widths(low), rows


def _cuts(widths: Sequence[float], quiet: Sequence[bool], wanted: float, room: float) -> list[int]:
    """After which stretches a row ends: as near to the wanted width as a quiet instant allows."""
    cuts, begin = list[int](), 0
    while begin < len(widths):
        best, used = begin + 1, 0.0
        nearest = float("inf")
        for end in range(begin, len(widths)):
            used += widths[end]
            if used > room * 1.04 and end > begin:
                break
            if end == len(widths) - 1:
                best = end + 1
                break
            off = abs(used - wanted) + (0 if quiet[end] else 1000)
            if off <= nearest:
                best, nearest = end + 1, off
        cuts.append(best)
        begin = best
    return cuts


def _evenly(stretches: Sequence[Stretch]) -> list[list[Stretch]]:
    """Neighbours without a fold or the end of a row between them."""
    runs: list[list[Stretch]] = []
    for stretch in stretches:
        last = runs[-1][-1] if runs else None
        if last is None or stretch.folded or last.folded or last.row != stretch.row:
            runs.append([])
        runs[-1].append(stretch)
    return runs


def _round_times(axis: Axis, even: Sequence[Stretch], base: int, folds: bool) -> list[Tick]:
    start, end = even[0].start, even[-1].end
    scale = (even[-1].right - even[0].left) / (end - start)
    step = next((each for each in _STEPS if each * scale >= 68), _STEPS[-1])
    ticks = []
    for ms in range(-(-(start - base) // step) * step, end - base + 1, step):
        if ms or not folds:
            row, x = axis.place(base + ms, closing=base + ms == end)
            ticks.append(_tick(axis, row, x, ("+" if folds else "") + span(ms), False))
    return ticks


def _tick(axis: Axis, row: int, x: float, words: str, fold: bool) -> Tick:
    left, right = axis.edges(row)
    half = width(words, 11) / 2
    return Tick(row, x, min(max(x, left - 8 + half), right + 8 - half), words, fold)


_STEPS = [
    *(digit * ten for ten in (1, 10, 100, 1_000, 10_000) for digit in (1, 2, 5)),
    *(60_000 * minutes for minutes in (1, 2, 5, 10, 30, 60, 120, 360, 720, 1440, 7200, 14400)),
]


def _apart(one: Tick, other: Tick) -> bool:
    room = (width(one.words, 11) + width(other.words, 11)) / 2 + 8
    return one.row != other.row or abs(one.middle - other.middle) >= room
