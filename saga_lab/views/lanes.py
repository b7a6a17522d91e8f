"""The plan of a timeline, as data: a lane per service, a place for every bar, label, tag and mark."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from saga_lab import events as e
from saga_lab.sim.trace import Crash, Request, Trace
from saga_lab.views import story
from saga_lab.views.axis import Axis, Piece, Span, axis
from saga_lab.views.svg import width
from saga_lab.worlds.world import World

WIDE, MARGIN = 720.0, 16.0
HEAD, LEVEL, FOOT = 56.0, 19.0, 38.0
"""Px of the title, of a level of marks, and of the axis' labels under a row."""
ABOVE, BAR, BELOW, PAD = 17.0, 18.0, 18.0, 6.0
"""Px of a track: its label, its bar, the tag of a fault, and what keeps it from the next."""
STUB = 18.0
"""Px of a reply that went to a process no longer there."""
SAGA = "saga"
LABEL, SMALL = 12.0, 10.5


class Lane(Struct, frozen=True):
    """One service in one row, or the saga itself; `tracks` when several of its requests run at once."""

    name: str
    top: float
    tracks: int
    above: float
    below: float

    @property
    def bottom(self) -> float:
        return self.top + self.tracks * (self.above + BAR + self.below)

    def bar(self, track: int) -> float:
        """The upper side of the bars of a track."""
        return self.top + track * (self.above + BAR + self.below) + self.above


class Row(Struct, frozen=True):
    """A stretch of the axis with the lanes that have something to show there."""

    lanes: tuple[Lane, ...]

    @property
    def top(self) -> float:
        return self.lanes[0].top

    @property
    def bottom(self) -> float:
        return self.lanes[-1].bottom

    def lane(self, name: str) -> Lane:
        return next(lane for lane in self.lanes if lane.name == name)


class Label(Struct, frozen=True):
    """Words at a place; none when there was no room, and then only a tooltip tells."""

    row: int
    left: float
    words: str


class Bar(Struct, frozen=True):
    """A request, from being sent to the end of its caller's patience, and the effects that came later."""

    request: Request
    track: int
    end: int
    died: bool
    pieces: tuple[Piece, ...]
    label: Label
    tag: Label | None
    strike: tuple[int, float] | None
    waits_until: int | None
    late: int | None

    def at(self, scale: Axis, ms: int) -> tuple[int, float]:
        """Row and x of an instant within the bar."""
        return scale.within(self.request.sent, self.end, ms)

    @property
    def until(self) -> int:
        """When the last of it is drawn: a late effect, or the dots to the next attempt."""
        return max(self.end, self.late or 0, self.waits_until or 0)


class Block(Struct, frozen=True):
    """A time in which the saga itself did nothing: its process was down, or it waited."""

    what: str
    words: str
    start: int
    end: int
    pieces: tuple[Piece, ...] = ()
    label: Label | None = None
    tag: Label | None = None


class Mark(Struct, frozen=True):
    """A vertical line at an instant, its words on a level above the lanes (0 is the lowest)."""

    what: str
    words: str
    row: int
    x: float
    left: float
    level: int


class Plan(Struct, frozen=True):
    """Everything that is drawn, and where."""

    axis: Axis
    left: float
    right: float
    rows: tuple[Row, ...]
    bars: tuple[Bar, ...]
    blocks: tuple[Block, ...]
    marks: tuple[Mark, ...]

    def y(self, row: int, service: str, track: int = 0) -> float:
        """The upper side of a bar."""
        return self.rows[row].lane(service).bar(track)


def plan(trace: Trace, world: type[World] | None) -> Plan:
    """Give everything in a run its place."""
    known = [operation.service for operation in world.operations.values()] if world else []
    services = list(dict.fromkeys([*known, *(request.service for request in trace.requests)]))
    left = MARGIN + max(width(name, 13) for name in [SAGA, *services]) + 18
    right = WIDE - MARGIN - 6
    ends = [story.ending(request, trace.crashes) for request in trace.requests]
    waits = list(_waits(trace))
    scale = axis(_instants(trace), list(_spans(trace, ends, waits)), left, right)
    full = _Full(left, right)
    bars = tuple(_bars(trace, ends, _tracks(trace.requests, ends), scale, full))
    blocks = tuple(_blocks(trace, waits, scale, full))
    marks = tuple(_marks(trace, scale, left, right))
    return Plan(scale, left, right, tuple(_rows(scale, services, bars, blocks, marks)), bars, blocks, marks)


def _rows(
    scale: Axis,
    services: list[str],
    bars: tuple[Bar, ...],
    blocks: tuple[Block, ...],
    marks: tuple[Mark, ...],
) -> Iterator[Row]:
    """The lanes of each row. When there are several, a row leaves out the services it has nothing of."""
    y = HEAD
    shown = [{piece.row for piece in scale.pieces(bar.request.sent, bar.until)} for bar in bars]
    for row in range(scale.rows):
        y += LEVEL * max((mark.level + 1 for mark in marks if mark.row == row), default=0)
        hung = any(block.tag and block.tag.row == row for block in blocks)
        lanes = [Lane(SAGA, y, 1, PAD, BELOW + PAD if hung else PAD)]
        for name in services:
            here = [
                bar
                for bar, rows in zip(bars, shown, strict=True)
                if bar.request.service == name and row in rows
            ]
            if here or scale.rows == 1:
                tagged = any(bar.tag or bar.late for bar in here)
                tracks = 1 + max((bar.track for bar in here), default=0)
                above, below = ABOVE if here else PAD, BELOW + PAD if tagged else PAD
                lanes.append(Lane(name, lanes[-1].bottom, tracks, above, below))
        yield Row(tuple(lanes))
        y = lanes[-1].bottom + FOOT


# ---- what there is


def _waits(trace: Trace) -> Iterator[Block]:
    """The saga's own waits: timers and promises, until they were over or the run was."""
    last = max([0, *(story.moment(trace, event) for event in trace.journal)])
    for at, event in enumerate(trace.journal):
        over: e.Event | None = None
        if isinstance(event, e.TimerSet):
            words = "timer"
            over = next(
                (x for x in trace.journal[at:] if isinstance(x, e.TimerFired) and x.mark == event.mark), None
            )
        elif isinstance(event, e.PromiseAwaited):
            words = event.name
            answers = (e.PromiseAnswered, e.PromiseTimedOut)
            over = next(
                (x for x in trace.journal[at:] if isinstance(x, answers) and x.name == event.name), None
            )
        else:
            continue
        start = story.moment(trace, event)
        end = story.moment(trace, over) if over else last
        yield Block("wait", words, start, max(start, end))


def _instants(trace: Trace) -> Iterator[int]:
    for request in trace.requests:
        yield request.sent
        yield from (at for at, _ in request.effects)
    if trace.ended is not None:
        yield trace.ended


def _spans(trace: Trace, ends: list[int], waits: list[Block]) -> Iterator[Span]:
    for request, end in zip(trace.requests, ends, strict=True):
        yield Span(request.sent, end, 38 if request.answer == "value" else 42)
    for crash in trace.crashes:
        yield Span(crash.at, crash.up, width("down", LABEL) + 16)
        # The reply that would have come keeps a place of its own before a long time down is folded.
        yield Span(crash.at, min(crash.at + 20, crash.up), STUB + 4)
    for wait in waits:
        yield Span(wait.start, wait.end, width(wait.words, 11) + 12)


def _tracks(requests: Iterable[Request], ends: list[int]) -> list[int]:
    """The first free track of its service for each request."""
    busy: dict[str, list[int]] = {}
    found = []
    for request, end in zip(requests, ends, strict=True):
        until = busy.setdefault(request.service, [])
        free = next((at for at, over in enumerate(until) if over <= request.sent), len(until))
        until[free : free + 1] = [end]
        found.append(free)
    return found


def _is_moment(crash: Crash) -> bool:
    """A crash at one of the journal's own writes or waits: there is no bar to hang its tag on."""
    return "." not in crash.site.partition(":")[0]


# ---- where it goes


class _Full:
    """The places that are taken, so that no two labels touch."""

    def __init__(self, left: float, right: float) -> None:
        self._edges = left - 6, right + 6
        self._taken: dict[tuple[object, ...], list[tuple[float, float]]] = {}

    def take(self, slot: tuple[object, ...], x: float, room: float, *, force: bool = False) -> float | None:
        """The left side of a free place for `room` px from `x` on; None when there is none."""
        left, right = self._edges
        x = max(min(x, right - room), left)
        taken = self._taken.setdefault(slot, [])
        if not force and any(x < end + 4 and start < x + room + 4 for start, end in taken):
            return None
        taken.append((x, x + room))
        return x


def _bars(trace: Trace, ends: list[int], tracks: list[int], scale: Axis, full: _Full) -> Iterator[Bar]:
    said: dict[tuple[str, int], str] = {}
    for number, (request, end, track) in enumerate(zip(trace.requests, ends, tracks, strict=True)):
        pieces = tuple(scale.pieces(request.sent, end))
        lane = (request.service, track)
        slot = (pieces[0].row, *lane)
        verb = request.operation.partition(".")[2]
        nth = f"#{request.nth}" if request.nth > 1 else ""
        long, short = f"{verb} {nth}".strip(), nth if said.get(lane) == verb else verb
        said[lane] = verb
        label = next(
            (
                Label(pieces[0].row, left, words)
                for words in dict.fromkeys([short if nth else long, nth or verb])
                if (left := full.take((*slot, "above"), pieces[0].left, width(words, LABEL))) is not None
            ),
            Label(pieces[0].row, pieces[0].left, ""),
        )
        strike = _strike(request, end, scale) if request.fault else None
        yield Bar(
            request=request,
            track=track,
            end=end,
            died=request.answered is None and any(crash.at == end for crash in trace.crashes),
            pieces=pieces,
            label=label,
            tag=_tag(request.fault, strike, lane, full) if strike else None,
            strike=strike,
            waits_until=_next_attempt(trace, tracks, number, end),
            late=max((at for at, _ in request.effects if at > end), default=None),
        )


def _strike(request: Request, end: int, scale: Axis) -> tuple[int, float]:
    """Row and x of the place where a fault struck."""
    kind = request.fault.partition("=")[0].rstrip("*")
    first = min((at for at, _ in request.effects if at <= end), default=request.sent)
    if kind in ("lost", "slow", "late", "down") and first < end:
        piece = scale.pieces(first, end)[0]
        return piece.row, (piece.left + piece.right) / 2
    return scale.within(request.sent, end, request.sent if kind == "crash-before" else first)


def _tag(words: str, strike: tuple[int, float], lane: tuple[str, int], full: _Full) -> Label:
    """The words of a fault below the place it struck; where there is no room, its bolt alone."""
    row, x = strike
    slot = (row, *lane, "below")
    room = width(words, SMALL) + 20
    for start in (x - room / 2, x - 9, x - room + 9):
        if (left := full.take(slot, start, room)) is not None:
            return Label(row, left, words)
    return Label(row, full.take(slot, x - 7, 14, force=True) or x - 7, "")


def _next_attempt(trace: Trace, tracks: list[int], at: int, end: int) -> int | None:
    """When the same request was sent again, if the caller waited for nothing else of that service."""
    request = trace.requests[at]
    later = [
        other
        for place, other in enumerate(trace.requests)
        if place > at and other.service == request.service and tracks[place] == tracks[at]
    ]
    if request.answer == "value" or not later or later[0].incarnation != request.incarnation:
        return None
    same = (later[0].operation, later[0].key) == (request.operation, request.key)
    return later[0].sent if same and later[0].sent > end else None


def _blocks(trace: Trace, waits: list[Block], scale: Axis, full: _Full) -> list[Block]:
    """Waits first and crashes last, as they are drawn: a crash strikes in the middle of a wait."""
    downs = [Block("down", "down", crash.at, crash.up) for crash in trace.crashes]
    tags = [crash.site if _is_moment(crash) else "" for crash in trace.crashes]
    placed = [_placed(down, tag, scale, full) for down, tag in zip(downs, tags, strict=True)]
    return [_placed(wait, "", scale, full) for wait in waits] + placed


def _placed(block: Block, tag: str, scale: Axis, full: _Full) -> Block:
    pieces = tuple(scale.pieces(block.start, block.end))
    first, widest = pieces[0], max(pieces, key=lambda piece: piece.right - piece.left)
    room = width(block.words, 11) * (1.16 if block.what == "down" else 1)
    left = (widest.left + widest.right - room) / 2
    fits = room + 4 <= widest.right - widest.left and full.take((widest.row, SAGA), left, room) == left
    return replace(
        block,
        pieces=pieces,
        label=Label(widest.row, left, block.words) if fits else None,
        tag=_tag(tag, (first.row, first.left), (SAGA, 0), full) if tag else None,
    )


def _marks(trace: Trace, scale: Axis, left: float, right: float) -> Iterator[Mark]:
    found = []
    if (at := _undo_begins(trace)) is not None:
        found.append((at, "undo", "undo begins"))
    pivots = (r.answered for r in trace.requests if r.kind == "pivot" and _known(r))
    if (at := next(pivots, None)) is not None:
        found.append((at, "pivot", "point of no return"))
    if trace.ended is not None:
        found.append((trace.ended, "end", story.verdict(trace)))
    taken: list[tuple[int, int, float, float]] = []
    for at, what, words in sorted(found):
        row, x = scale.place(at, closing=what != "undo")
        room = width(words, LABEL) * 1.16 + 30 if what == "end" else width(words, LABEL)
        start = x - room / 2
        if what == "end":
            start = x if x + room <= right + 10 else x - room
        start = min(max(start, left), right + 10 - room)
        level = 0
        while any(
            (row, level) == place[:2] and start < place[3] + 6 and place[2] < start + room + 6
            for place in taken
        ):
            level += 1
        taken.append((row, level, start, start + room))
        yield Mark(what, words, row, x, start, level)


def _undo_begins(trace: Trace) -> int | None:
    """When the kernel turned round; for a saga that undoes by hand, when it first asked for an undo."""
    turned = (story.moment(trace, event) for event in trace.journal if isinstance(event, e.UndoingBegan))
    undos = (request.sent for request in trace.requests if request.role == "undo")
    return min((at for at in (next(turned, None), next(undos, None)) if at is not None), default=None)


def _known(request: Request) -> bool:
    return request.role == "action" and request.answer == "value"
