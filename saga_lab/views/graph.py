"""The steps of a saga with their undos, left to right; with a run, what became of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from saga_lab.definition import Saga
from saga_lab.sim.trace import Trace
from saga_lab.views import story, theme
from saga_lab.views.fates import Order, Step, declared, order, steps, turned, undone
from saga_lab.views.legend import legend
from saga_lab.views.picture import Picture
from saga_lab.views.svg import (
    badge,
    document,
    element,
    fitted,
    glyph,
    group,
    heading,
    line,
    number,
    paper,
    path,
    rect,
    text,
    width,
)
from saga_lab.worlds.world import World

WIDE, MARGIN, HEAD = 720.0, 18.0, 86.0
HIGH, TUCK, SPACE = 44.0, 25.0, 26.0
"""Px of a step, of the undo tucked beneath it, and between two steps one above the other."""
MOST = 5
"""Layers in a row; more go on in the next."""


class Box(Struct, frozen=True):
    """A step at its place."""

    step: Step
    row: int
    left: float
    top: float
    right: float

    @property
    def middle(self) -> float:
        return self.top + HIGH / 2

    @property
    def hem(self) -> float:
        """The middle of the undo beneath."""
        return self.top + HIGH + TUCK / 2 + 1


def graph(world: type[World], trace: Trace | None = None, *, title: str = "") -> Picture:
    """Draw the steps that a world offers; with a trace, how far the saga came and what it undid."""
    title = title or (story.heading(trace) if trace else f"The steps of {world.function}")
    return _drawn(steps(world, trace), trace, title)


def plan(saga: Saga) -> Picture:
    """Draw the steps that a saga declares, before any run; ValueError when there is nothing to draw."""
    if not saga.steps:
        raise ValueError(f"saga {saga.__name__!r} has no steps to draw")
    return _drawn(declared(saga), None, f"The steps of {saga.__name__}")


def _drawn(found: Sequence[Step], trace: Trace | None, title: str) -> Picture:
    before = order(found, trace)
    told = _story(found, trace, title)
    boxes, bottom = _places(found, before)
    body = [heading(title, story.subtitle(trace) if trace else "", WIDE, MARGIN)]
    body += _no_return(boxes, bottom)
    body += (_edge(boxes[one], boxes[other]) for one, other in before.edges)
    body += (_undo_box(box) for box in boxes.values() if box.step.undo)
    body += _undo_arrows(boxes, trace)
    body += (_box(box) for box in boxes.values())
    key, high = legend(_signs(found), MARGIN + 2, WIDE - MARGIN, bottom + 26)
    return Picture(document("".join([*body, key]), wide=WIDE, high=high, title=title, story=told), told)


# ---- places


def _places(found: Sequence[Step], before: Order) -> tuple[dict[str, Box], float]:
    """A column for each layer, in rows of at most five."""
    named, layers = {step.action.name: step for step in found}, before.layers
    rows = -(-len(layers) // MOST)
    columns = -(-len(layers) // rows)
    gap = 52.0 if columns < MOST else 34.0
    room = min((WIDE - 2 * MARGIN - 8 - gap * (columns - 1)) / columns, 140)
    boxes, top = dict[str, Box](), HEAD
    for row in range(rows):
        here = layers[row * columns : (row + 1) * columns]
        high = max(len(layer) for layer in here) * (HIGH + TUCK + SPACE) - SPACE
        for column, layer in enumerate(here):
            left = MARGIN + column * (room + gap)
            y = top + (high - len(layer) * (HIGH + TUCK + SPACE) + SPACE) / 2
            for name in layer:
                boxes[name] = Box(named[name], row, left, y, left + room)
                y += HIGH + TUCK + SPACE
        top += high + 56
    return boxes, top - 56


# ---- lines


def _no_return(boxes: dict[str, Box], bottom: float) -> Iterator[str]:
    pivot = next((box for box in boxes.values() if box.step.action.kind == "pivot"), None)
    if pivot:
        row = [box for box in boxes.values() if box.row == pivot.row]
        after = [box.left for box in row if box.left > pivot.right]
        x = (pivot.right + min(after)) / 2 if after else pivot.right + 7
        top = min(box.top for box in row) - 12
        low = max(box.top for box in row) + HIGH + TUCK + 8
        yield line(x, top, x, low, stroke=theme.PIVOT, stroke_width=1.5, stroke_dasharray="4 3")
        words = "point of no return"
        at = min(x - width(words) / 2, WIDE - MARGIN - width(words))
        yield text(at, top - 6, words, 12, font_style="italic")


def _edge(one: Box, other: Box) -> str:
    """The way forward; grey where the saga never went."""
    colour = theme.WAITING if other.step.fate == "never" else theme.FORWARD
    return _arrow((one.right, one.middle), (other.left, other.middle), colour, one.row != other.row)


def _arrow(start: tuple[float, float], end: tuple[float, float], colour: str, wraps: bool = False) -> str:
    """A curve with a head, bent towards the side it is going to; round the corner into another row."""
    (x1, y1), (x2, y2) = start, end
    way = 1 if x1 <= x2 or wraps else -1
    tip = x2 - 7 * way
    if wraps:
        between = y2 - HIGH / 2 - 20
        d = f"M{_at(x1, y1)}h14V{number(between)}H{number(x2 - 14)}V{number(y2)}H{number(tip)}"
    else:
        bend = (x1 + x2) / 2
        d = f"M{_at(x1, y1)}C{_at(bend, y1)} {_at(bend, y2)} {_at(tip, y2)}"
    head = f"M{_at(x2, y2)}L{_at(tip, y2 - 4)}V{number(y2 + 4)}Z"
    return path(d, stroke=colour, stroke_width=1.7) + element("path", d=head, fill=colour)


def _beside(start: tuple[float, float], low: float) -> str:
    """An undo's arrow to one in its own column, or further on: round the left side."""
    (x, y), out = start, start[0] - 26
    d = f"M{_at(x, y)}C{_at(out, y)} {_at(out, low)} {_at(x - 6, low)}"
    head = f"M{_at(x, low)}L{_at(x - 7, low - 4)}V{number(low + 4)}Z"
    return path(d, stroke=theme.UNDO, stroke_width=1.7) + element("path", d=head, fill=theme.UNDO)


def _at(x: float, y: float) -> str:
    return f"{number(x)} {number(y)}"


def _undo_arrows(boxes: dict[str, Box], trace: Trace | None) -> Iterator[str]:
    """From where the saga turned round, along the undos that ran."""
    if trace is None or not (ran := undone(trace)):
        return
    under = {box.step.undo.name: box for box in boxes.values() if box.step.undo}
    last = turned(trace)
    place = None if last is None else (boxes[last].left, boxes[last].middle + 12)
    for name in ran:
        box = under[name]
        inset = 10.0
        if place and not (last and boxes[last] is box):
            to = (box.right - inset, box.hem)
            yield _beside(place, box.hem) if place[0] < box.right else _arrow(place, to, theme.UNDO)
        place, last = (box.left + inset, box.hem), None


# ---- boxes


def _box(box: Box) -> str:
    step, fate = box.step, box.step.fate
    hue = theme.hue("action", step.action.kind)
    if fate in ("never", "failed"):
        hue = theme.WAITING if fate == "never" else theme.FAILURE
    dashes = "5 3" if fate == "in doubt" else None
    wide = 2.4 if step.action.kind == "pivot" else 1.7
    drawn = rect(box.left, box.top, box.right, box.top + HIGH, rx=6, **paper())
    drawn += rect(
        box.left,
        box.top,
        box.right,
        box.top + HIGH,
        rx=6,
        fill=hue,
        fill_opacity=theme.TINT,
        stroke=hue,
        stroke_width=wide,
        stroke_dasharray=dashes,
    )
    if fate == "failed":
        drawn += rect(
            box.left - 4, box.top - 4, box.right + 4, box.top + HIGH + 4, rx=9, fill="none", stroke=hue
        )
    return group(drawn, *_names(box), *_badges(box), tip=_sentence(step))


def _names(box: Box) -> Iterator[str]:
    centre, action = (box.left + box.right) / 2, box.step.action
    room = box.right - box.left - 10
    yield fitted(centre, box.top + 19, action.verb, 13, room, text_anchor="middle", font_weight=600)
    kind = "" if action.kind == "compensable" else action.kind
    times = f"{box.step.keys} times" if box.step.keys > 1 else ""
    words = " · ".join(word for word in (action.service, kind, times) if word)
    yield fitted(centre, box.top + 34, words, 10.5, room, text_anchor="middle", fill_opacity=theme.QUIET)


def _badges(box: Box) -> Iterator[str]:
    if box.step.look_up:
        asked = box.step.looked
        disc = {"fill": theme.FORWARD} if asked else paper()
        yield element(
            "circle", cx=box.left + 3, cy=box.top + 1, r=7, stroke=theme.FORWARD, stroke_width=1.3, **disc
        )
        yield glyph("in doubt", box.left + 3, box.top + 1, theme.ON_HUE if asked else "currentColor", 0.8)
    if fate := box.step.fate:
        sign = "parked" if fate == "stuck" else fate
        yield badge(sign, box.right - 3, box.top + 1, _FATE_HUE[fate])


_FATE_HUE = {
    "done": theme.FORWARD,
    "failed": theme.FAILURE,
    "undone": theme.UNDO,
    "in doubt": "currentColor",
    "never": theme.WAITING,
    "stuck": theme.FAILURE,
}


def _undo_box(box: Box) -> str:
    step = box.step
    assert step.undo is not None
    idle = step.fate not in (None, "undone", "stuck")
    hue = theme.WAITING if idle else theme.FAILURE if step.fate == "stuck" else theme.UNDO
    top, low = box.top + HIGH - 6, box.top + HIGH + TUCK
    drawn = rect(box.left + 10, top, box.right - 10, low, rx=5, **paper())
    drawn += rect(
        box.left + 10,
        top,
        box.right - 10,
        low,
        rx=5,
        fill=hue,
        fill_opacity=theme.TINT,
        stroke=hue,
        stroke_width=1.3,
        stroke_dasharray="4 3" if step.fate == "stuck" else None,
    )
    room = min(width(step.undo.verb, 11), box.right - box.left - 40)
    start = (box.left + box.right - room - 16) / 2
    drawn += glyph("undone", start + 5, box.hem + 1, "currentColor", 0.85)
    name = fitted(start + 15, box.hem + 5, step.undo.verb, 11, room)
    return group(drawn, name, tip=f"undone by {step.undo.name}")


# ---- words


def _story(found: Sequence[Step], trace: Trace | None, title: str) -> str:
    lines = [f"{number}. {_sentence(step)}" for number, step in enumerate(found, 1)]
    if trace and (ran := undone(trace)):
        lines.append(f"Undos asked for, in this order: {', '.join(ran)}.")
    pivot = next((step.action.name for step in found if step.action.kind == "pivot"), None)
    if pivot:
        lines.append(f"The point of no return is {pivot}: once it is done, nothing is undone any more.")
    return "\n".join([title, *lines])


def _sentence(step: Step) -> str:
    name = step.action.name
    undo = step.undo.name if step.undo else ""
    match step.fate:
        case None:
            ways = [f"undone by {undo}"] if undo else []
            ways += [f"looked up by {step.look_up.name}"] if step.look_up else []
            return f"{name} ({step.action.kind})" + (f", {', '.join(ways)}." if ways else ".")
        case "done":
            return f"{name}: done{', as a look-up found' if step.looked else ''}."
        case "failed":
            return f"{name}: failed; nothing happened."
        case "undone":
            return f"{name}: undone by {undo}."
        case "in doubt":
            return f"{name}: in doubt; nobody can tell whether it happened."
        case "never":
            return f"{name}: not reached."
        case "stuck":
            return f"{name}: {undo} was tried and never answered."


def _signs(found: Sequence[Step]) -> Iterator[tuple[str, str]]:
    """Only what occurs."""
    if all(step.fate is None for step in found):
        kinds = [step.action.kind for step in found]
        for kind, words in (("compensable", "can be undone"), ("pivot", "pivot"), ("retriable", "retriable")):
            if kind in kinds:
                hue = theme.hue("action", kind)
                yield (
                    rect(-9, -6, 9, 6, rx=3, fill=hue, fill_opacity=theme.TINT, stroke=hue, stroke_width=1.5),
                    words,
                )
        if any(step.undo for step in found):
            box = rect(-9, -6, 9, 6, rx=3, fill=theme.UNDO, fill_opacity=theme.TINT, stroke=theme.UNDO)
            yield box + glyph("undone", 0, 0, "currentColor", 0.75), "its undo"
    for fate, words in _FATE_WORDS.items():
        if any(step.fate == fate for step in found):
            yield badge("parked" if fate == "stuck" else fate, 0, 0, _FATE_HUE[fate], 7.5), words
    if any(step.look_up for step in found):
        disc = element("circle", r=6.5, stroke=theme.FORWARD, stroke_width=1.3, **paper())
        yield disc + glyph("in doubt", 0, 0, "currentColor", 0.75), "can be looked up"
    if any(step.looked for step in found):
        disc = element("circle", r=6.5, fill=theme.FORWARD)
        yield disc + glyph("in doubt", 0, 0, theme.ON_HUE, 0.75), "was looked up"


_FATE_WORDS = {
    "done": "done",
    "failed": "failed",
    "undone": "undone",
    "in doubt": "in doubt",
    "never": "not reached",
    "stuck": "undo never answered",
}
