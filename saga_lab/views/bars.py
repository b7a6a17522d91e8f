"""One request as a bar: the call in its hue, a dot where it took effect, the reply as far as it came."""

from __future__ import annotations

from collections.abc import Iterator

from saga_lab.views import theme
from saga_lab.views.axis import Piece
from saga_lab.views.lanes import BAR, LABEL, SMALL, STUB, Bar, Label, Plan
from saga_lab.views.svg import Value, element, glyph, group, halo, line, paper, path, rect, text
from saga_lab.views.svg import width as wide


def bar(what: Bar, laid: Plan, tip: str) -> str:
    """The bar of a request with its effects."""
    return group(*_body(what, laid), *_effects(what, laid), tip=tip)


def words(what: Bar, laid: Plan) -> str:
    """Its label, and the tag of its fault: drawn last, over everything else."""
    said = ""
    if what.label.words:
        said += text(what.label.left, _top(what, what.label.row, laid) - 5, what.label.words, LABEL, **halo())
    if what.tag and what.strike:
        row, x = what.strike
        said += tag(what.tag, x, _top(what, row, laid) + BAR, what.request.fault)
    return said


def tag(label: Label, x: float, top: float, fault: str) -> str:
    """A red tag under the place a fault struck, tied to it by a thread; the bolt alone when it is narrow."""
    room = wide(label.words, SMALL) + 20 if label.words else 14
    return group(
        line(x, top - 4, x, top + 4, stroke=theme.FAILURE, stroke_width=1.6),
        rect(label.left, top + 3, label.left + room, top + 17, rx=7, fill=theme.FAILURE),
        glyph("fault", label.left + (9 if label.words else 7), top + 10, theme.ON_HUE, 0.9),
        text(label.left + 15, top + 13.8, label.words, SMALL, fill=theme.ON_HUE) if label.words else "",
        tip=f"fault: {fault}",
    )


def backoff(what: Bar, laid: Plan) -> Iterator[str]:
    """Dots from a failed attempt to the next one."""
    if what.waits_until is not None:
        for piece in laid.axis.pieces(what.end, what.waits_until):
            if piece.right - piece.left > 8:
                at = _top(what, piece.row, laid) + BAR / 2
                yield path(
                    f"M{piece.left + 5:.2f} {at:.2f}H{piece.right - 3:.2f}",
                    stroke=theme.WAITING,
                    stroke_width=2.6,
                    stroke_linecap="round",
                    stroke_dasharray="0 6",
                )


def _top(what: Bar, row: int, laid: Plan) -> float:
    return laid.y(row, what.request.service, what.track)


def _body(what: Bar, laid: Plan) -> Iterator[str]:
    request = what.request
    hue = theme.hue(request.role, request.kind)
    in_time = [at for at, _ in request.effects if at <= what.end]
    for piece in what.pieces:
        top = _top(what, piece.row, laid)
        if request.answer == "value":
            yield _whole(what, piece, top, hue)
        elif request.answer == "refused":
            yield _box(piece.left, piece.right, top, theme.FAILURE, tint=True)
        elif not in_time:
            yield from _no_reply(what, piece, piece.left, top)
        else:
            row, x = what.at(laid.axis, in_time[0])
            if row > piece.row or (row == piece.row and x > piece.left):
                done = x if row == piece.row else piece.right
                yield _box(piece.left, done, top, hue, tint=request.role in ("look-up", "read"))
            if row <= piece.row:
                begin = x if row == piece.row else piece.left
                yield from _no_reply(what, piece, begin, top)
    first, last = what.pieces[0], what.pieces[-1]
    if request.answer == "refused":
        yield glyph(
            "failed", (last.left + last.right) / 2, _top(what, last.row, laid) + BAR / 2, theme.FAILURE
        )
    yield from _role(what, first, _top(what, first.row, laid) + BAR / 2, laid, bool(in_time))


def _whole(what: Bar, piece: Piece, top: float, hue: str) -> str:
    if what.request.role in ("look-up", "read"):
        return _box(piece.left, piece.right, top, hue, tint=True)
    return _box(piece.left, piece.right, top, hue)


def _box(left: float, right: float, top: float, hue: str, *, tint: bool = False, dashed: bool = False) -> str:
    if not tint and not dashed:
        return rect(left, top, right, top + BAR, rx=4, fill=hue)
    return rect(
        left + 0.7,
        top + 0.7,
        max(right - 0.7, left + 2),
        top + BAR - 0.7,
        rx=3.5,
        fill=hue,
        fill_opacity=theme.TINT if tint else theme.TINT / 2,
        stroke=hue,
        stroke_width=1.4,
        stroke_dasharray="4 3" if dashed else None,
    )


def _no_reply(what: Bar, piece: Piece, begin: float, top: float) -> Iterator[str]:
    """The part of a bar after which nothing came back; a call cut off at once keeps a stub."""
    end = max(piece.right, begin + STUB) if what.died and piece.closes else piece.right
    yield _box(begin, end, top, theme.FAILURE, dashed=True)
    if piece.closes:
        share = 0.5 if what.request.role == "action" or begin > piece.left else 0.68
        yield glyph("failed", begin + (end - begin) * share, top + BAR / 2, theme.FAILURE, 0.9)


def _role(what: Bar, first: Piece, y: float, laid: Plan, arrived: bool) -> Iterator[str]:
    """The glyph that doubles the hue, in the first half of the bar, if there is room."""
    name = {"undo": "undone", "look-up": "in doubt", "read": "in doubt"}.get(what.request.role)
    if name is None or first.right - first.left < 13:
        return
    x = first.left + (first.right - first.left) * (0.5 if what.request.answer == "value" else 0.3)
    if arrived and what.request.role == "undo":
        row, at = what.at(laid.axis, min(at for at, _ in what.request.effects))
        x = (first.left + at) / 2 if row == first.row else x
    solid = what.request.role == "undo" and (arrived or what.request.answer == "value")
    yield glyph(name, x, y, theme.ON_HUE if solid else "currentColor", 0.9)


def _effects(what: Bar, laid: Plan) -> Iterator[str]:
    request = what.request
    hue = theme.hue(request.role, request.kind)
    for at, effect in request.effects:
        if at > what.end:
            yield from _late(what, at, effect, laid, hue)
        elif effect not in ("refused", "answered"):
            row, x = what.at(laid.axis, at)
            yield dot(x, _top(what, row, laid) + BAR / 2, effect, hue)


def dot(x: float, y: float, effect: str, hue: str) -> str:
    """An effect: a full dot when the world changed, a ring when nothing new happened."""
    if effect in ("done", "undone"):
        return element("circle", cx=x, cy=y, r=4.2, fill=theme.ON_HUE, stroke=hue, stroke_width=2)
    return element("circle", cx=x, cy=y, r=3.4, fill=hue, stroke=theme.ON_HUE, stroke_width=1.8)


def _late(what: Bar, at: int, effect: str, laid: Plan, hue: str) -> Iterator[str]:
    """What came after the caller had gone: a dotted thread below the bars, and what it did at its end."""
    pieces = laid.axis.pieces(what.end, at)
    for piece in pieces:
        top = _top(what, piece.row, laid) + BAR + 9
        thread: dict[str, Value] = {"stroke": hue, "stroke_width": 1.5, "stroke_dasharray": "1.5 3"}
        if piece.opens:
            yield line(piece.left, top - 9, piece.left, top, **thread)
        # The dashes keep to the page, so that several threads on one line do not fill each other's gaps.
        yield line(piece.left, top, piece.right, top, stroke_dashoffset=piece.left % 4.5, **thread)
    last = pieces[-1]
    top = _top(what, last.row, laid) + BAR + 9
    if effect == "refused":
        yield element("circle", cx=last.right, cy=top, r=6, stroke=theme.FAILURE, stroke_width=1.4, **paper())
        yield glyph("failed", last.right, top, theme.FAILURE, 0.75)
    elif effect in ("done", "undone"):
        yield element("circle", cx=last.right, cy=top, r=5, fill=hue, **paper("stroke"), stroke_width=1.4)
    else:
        yield element("circle", cx=last.right, cy=top, r=4, stroke=hue, stroke_width=1.8, **paper())
