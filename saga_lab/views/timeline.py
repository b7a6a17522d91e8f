"""One run under a time axis: who was asked when, what took effect, what was lost, and what was undone."""

from __future__ import annotations

from collections.abc import Iterator

from saga_lab import events as e
from saga_lab.sim.trace import Trace
from saga_lab.views import bars, story, theme
from saga_lab.views.axis import Piece
from saga_lab.views.lanes import BAR, FOOT, LABEL, LEVEL, MARGIN, SAGA, WIDE, Block, Mark, Plan, plan
from saga_lab.views.legend import legend
from saga_lab.views.picture import Picture
from saga_lab.views.svg import (
    document,
    element,
    glyph,
    group,
    halo,
    heading,
    line,
    paper,
    path,
    quiet,
    rect,
    text,
    width,
)
from saga_lab.views.words import span
from saga_lab.worlds.world import World


def timeline(trace: Trace, world: type[World] | None = None, *, title: str = "") -> Picture:
    """Draw a run. With a world, services that were never asked have a lane too.

    A run too long for one row goes on in the next, as music does.
    """
    title = title or story.heading(trace)
    told, below = story.story(trace, title), story.subtitle(trace)
    trace, _ = story.abridged(trace)
    laid = plan(trace, world)
    body = [heading(title, below, WIDE, MARGIN)]
    for row in range(len(laid.rows)):
        body += _ground(laid, row)
    body += (_mark_line(mark, laid) for mark in laid.marks)
    body += _writes(trace, laid)
    body += (dots for bar in laid.bars for dots in bars.backoff(bar, laid))
    body += (bars.bar(bar, laid, story.sentence(bar.request, trace.crashes)) for bar in laid.bars)
    body += (_block(block, laid) for block in laid.blocks)
    body += _zigzags(laid)
    body += (words for block in laid.blocks for words in _block_words(block, laid))
    body += (bars.words(bar, laid) for bar in laid.bars)
    body += (_letter(laid, trace, parked) for parked in _parked(trace))
    body += (_mark_words(mark, laid, trace) for mark in laid.marks)
    key, high = legend(_signs(trace, laid), MARGIN + 2, WIDE - MARGIN, laid.rows[-1].bottom + FOOT + 8)
    return Picture(document("".join([*body, key]), wide=WIDE, high=high, title=title, story=told), told)


# ---- the ground: lanes, folds, axis


def _ground(laid: Plan, row: int) -> Iterator[str]:
    left, right = laid.left - 8, laid.right + 8
    top, bottom = laid.rows[row].top, laid.rows[row].bottom
    for nth, lane in enumerate(laid.rows[row].lanes):
        if nth % 2 == 0:
            yield rect(left, lane.top, right, lane.bottom, fill_opacity=0.045)
        middle = (lane.bar(0) + lane.bar(lane.tracks - 1) + BAR) / 2 + 4.5
        weight = 700 if lane.name == SAGA else None
        yield text(laid.left - 18, middle, lane.name, 13, text_anchor="end", font_weight=weight)
    for fold in laid.axis.folds(row):
        yield rect(fold.left, top, fold.right, bottom, fill_opacity=0.75, **paper())
    yield line(left, bottom, right, bottom, stroke_opacity=0.3)
    for tick in laid.axis.ticks():
        if tick.row == row:
            yield line(tick.x, bottom, tick.x, bottom + (0 if tick.fold else 5), stroke_opacity=0.6)
            weight = 700 if tick.fold else None
            yield quiet(tick.middle, bottom + 17, tick.words, 11, text_anchor="middle", font_weight=weight)


def _zigzags(laid: Plan) -> Iterator[str]:
    """Both sides of every fold: here time was cut out."""
    for number, row in enumerate(laid.rows):
        teeth = round((row.bottom - row.top) / 12)
        tooth = (row.bottom - row.top) / teeth / 2
        for fold in laid.axis.folds(number):
            for x in (fold.left + 8, fold.right - 8):
                zigzag = f"M{x - 2.5:.2f} {row.top:.2f}" + f"l5 {tooth:.3f}l-5 {tooth:.3f}" * teeth
                yield path(zigzag, stroke_opacity=0.5, stroke_width=1.1)


def _writes(trace: Trace, laid: Plan) -> Iterator[str]:
    """A tick at the foot of the saga's lane for every instant at which its journal was written."""
    for at in sorted({story.moment(trace, event) for event in trace.journal}):
        row, x = laid.axis.place(at, closing=True)
        bottom = laid.rows[row].lane(SAGA).bottom
        yield line(x, bottom - 6, x, bottom, stroke_opacity=0.55)


# ---- the saga's own lane


def _block(block: Block, laid: Plan) -> str:
    parts = (_part(block, piece, laid.y(piece.row, SAGA)) for piece in block.pieces)
    return group(*parts, tip=f"{block.words}: {span(block.end - block.start)}")


def _block_words(block: Block, laid: Plan) -> Iterator[str]:
    if block.label:
        down = block.what == "down"
        colour, weight = (theme.ON_HUE, 700) if down else ("currentColor", None)
        y = laid.y(block.label.row, SAGA) + 13
        yield text(block.label.left, y, block.words, 11, fill=colour, font_weight=weight)
    if block.tag:
        first = block.pieces[0]
        yield bars.tag(block.tag, first.left + 2, laid.y(first.row, SAGA) + BAR, block.tag.words)


def _part(block: Block, piece: Piece, y: float) -> str:
    right = max(piece.right, piece.left + 8)
    if block.what == "wait":
        return rect(
            piece.left,
            y,
            right,
            y + BAR,
            rx=3,
            fill=theme.WAITING,
            fill_opacity=theme.TINT,
            stroke=theme.WAITING,
            stroke_width=1.3,
        )
    box = rect(
        piece.left, y, right, y + BAR, rx=3, fill=theme.DOWN, stroke="currentColor", stroke_opacity=0.6
    )
    return box + (glyph("restart", right + 5, y + BAR / 2, theme.RETRIABLE, 1.25) if piece.closes else "")


def _parked(trace: Trace) -> Iterator[e.Parked]:
    return (event for event in trace.journal if isinstance(event, e.Parked))


def _letter(laid: Plan, trace: Trace, parked: e.Parked) -> str:
    """An envelope where a dead letter was written."""
    row, x = laid.axis.place(story.moment(trace, parked), closing=True)
    for piece in (piece for block in laid.blocks for piece in block.pieces):
        if piece.row == row and piece.left < x and x - 20 < piece.right:
            x = piece.left
    return group(_envelope(x - 9, laid.y(row, SAGA) + BAR / 2), tip=f"dead letter: {parked.reason}")


def _envelope(x: float, y: float) -> str:
    box = rect(x - 8, y - 5.5, x + 8, y + 5.5, rx=1.5, stroke="currentColor", stroke_width=1.3, **paper())
    return box + path(
        f"M{x - 7:.1f} {y - 4:.1f}L{x:.1f} {y + 1:.1f}L{x + 7:.1f} {y - 4:.1f}", stroke_width=1.3
    )


# ---- instants that divide the run

_STROKES = {"undo": theme.UNDO, "pivot": theme.PIVOT, "end": "currentColor"}


def _mark_line(mark: Mark, laid: Plan) -> str:
    row = laid.rows[mark.row]
    dashes = None if mark.what == "end" else "4 3"
    top = row.top - 5 - mark.level * LEVEL
    return line(
        mark.x, top, mark.x, row.bottom, stroke=_STROKES[mark.what], stroke_width=1.5, stroke_dasharray=dashes
    )


def _mark_words(mark: Mark, laid: Plan, trace: Trace) -> str:
    y = laid.rows[mark.row].top - 6 - mark.level * LEVEL
    if mark.what != "end":
        return text(mark.left, y, mark.words, LABEL, font_style="italic", **halo())
    room = width(mark.words, LABEL) * 1.16 + 30
    box = rect(mark.left, y - 13, mark.left + room, y + 5, rx=3, fill="currentColor")
    said = text(mark.left + 22, y + 0.5, mark.words, LABEL, font_weight=600, **paper())
    return box + _verdict(trace, mark.left + 12, y - 4) + said


def _verdict(trace: Trace, x: float, y: float) -> str:
    """How it ended, as a glyph: all done, not all, undone, needing a person, or an error."""
    needed = {r.key for r in trace.requests if r.role == "action" and r.kind != "retriable"}
    got = {r.key for r in trace.requests if r.role == "action" and r.answer == "value"}
    name = "done" if needed <= got else "never"
    if any(request.role == "undo" for request in trace.requests):
        name = "undone"
    if any(isinstance(event, e.Stuck) or getattr(event, "stuck", False) for event in trace.journal):
        name = "parked"
    if trace.error:
        name = "failed"
    return glyph(name, x, y, theme.PAPER_ALONE, style=f"stroke:{theme.PAPER}")


def _signs(trace: Trace, laid: Plan) -> Iterator[tuple[str, str]]:
    """Only what occurs."""
    asked = trace.requests
    solid = {r.kind for r in asked if r.role == "action" and r.answer != "refused" and r.effects}
    effects = {effect for request in asked for _, effect in request.effects}

    def chip(hue: str, **more: str | float) -> str:
        return rect(-9, -6, 9, 6, rx=3, fill=hue, **more)

    if solid & {"compensable", "read"}:
        yield chip(theme.FORWARD), "call"
    if "pivot" in solid:
        yield chip(theme.PIVOT), "pivot"
    if "retriable" in solid:
        yield chip(theme.RETRIABLE), "retriable"
    if any(request.role == "undo" for request in asked):
        yield chip(theme.UNDO) + glyph("undone", 0, 0, theme.ON_HUE, 0.8), "undo"
    if any(request.role in ("look-up", "read") for request in asked):
        yield _hollow(theme.FORWARD) + glyph("in doubt", 0, 0, "currentColor", 0.8), "look-up"
    if effects & {"done", "undone"}:
        yield chip(theme.FORWARD) + bars.dot(0, 0, "done", theme.FORWARD), "takes effect"
    if effects & {"repeated", "nothing"}:
        yield chip(theme.FORWARD) + bars.dot(0, 0, "nothing", theme.FORWARD), "changes nothing"
    if any(request.answer == "refused" for request in asked):
        yield _hollow(theme.FAILURE) + glyph("failed", 0, 0, theme.FAILURE, 0.8), "refused"
    if any(request.answer not in ("value", "refused") for request in asked):
        yield _hollow(theme.FAILURE, "4 3") + glyph("failed", 0, 0, theme.FAILURE, 0.8), "no reply"
    if any(bar.waits_until is not None for bar in laid.bars):
        yield path("M-8 0H9", stroke=theme.WAITING, stroke_width=2.6, stroke_linecap="round",
                   stroke_dasharray="0 6"), "back-off"  # fmt: skip
    if any(request.fault for request in asked) or any(block.tag for block in laid.blocks):
        yield element("circle", r=7, fill=theme.FAILURE) + glyph("fault", 0, 0, theme.ON_HUE, 0.9), "fault"
    if any(stretch.folded for stretch in laid.axis.stretches):
        yield path("M-2 -8l4 4l-4 4l4 4l-4 4", stroke_width=1.1), "time folded away"
    if any(True for _ in _parked(trace)):
        yield _envelope(0, 0), "dead letter"
    if trace.journal:
        yield line(0, -4, 0, 4, stroke_opacity=0.6), "journal written"


def _hollow(hue: str, dashes: str | None = None) -> str:
    return rect(
        -9,
        -6,
        9,
        6,
        rx=3,
        fill=hue,
        fill_opacity=theme.TINT,
        stroke=hue,
        stroke_width=1.3,
        stroke_dasharray=dashes,
    )
