"""The little of SVG that the views need, written with fixed formatting so that the bytes are stable."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from saga_lab.views import theme

Value = str | float | None


def element(name: str, *children: str, **attributes: Value) -> str:
    """One element. `stroke_width=2` is written `stroke-width="2"`; None leaves an attribute out."""
    written = "".join(
        f" {key.replace('_', '-')}={quoteattr(value if isinstance(value, str) else number(value))}"
        for key, value in attributes.items()
        if value is not None
    )
    inside = "".join(children)
    return f"<{name}{written}>{inside}</{name}>" if inside else f"<{name}{written}/>"


def number(value: float) -> str:
    """At most two decimals, no trailing noughts, and no minus before nought."""
    written = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if written == "-0" else written


def group(*children: str, tip: str = "", **attributes: Value) -> str:
    """Elements that belong together; `tip` is told when the mouse rests on them."""
    return element("g", *((element("title", escape(tip)),) if tip else ()), *children, **attributes)


def text(x: float, y: float, words: str, size: float = 12, **attributes: Value) -> str:
    """Words in ink, at a baseline."""
    return element("text", escape(words), x=x, y=y, font_size=size, **attributes)


def fitted(x: float, y: float, words: str, size: float, room: float, **attributes: Value) -> str:
    """Words in one line, smaller where they would not fit."""
    wide = width(words, size) * (1.14 if "font_weight" in attributes else 1)
    return text(x, y, words, min(size, size * room / wide) if wide else size, **attributes)


def quiet(x: float, y: float, words: str, size: float = 11, **attributes: Value) -> str:
    """Words that are read second."""
    return text(x, y, words, size, fill_opacity=theme.QUIET, **attributes)


def rect(left: float, top: float, right: float, bottom: float, **attributes: Value) -> str:
    """A box by its sides."""
    return element("rect", x=left, y=top, width=max(right - left, 0), height=bottom - top, **attributes)


def line(x1: float, y1: float, x2: float, y2: float, **attributes: Value) -> str:
    """A straight line, ink unless told otherwise."""
    return path(f"M{number(x1)} {number(y1)}L{number(x2)} {number(y2)}", **attributes)


def path(d: str, **attributes: Value) -> str:
    """A line along `d`, in ink and not filled unless told otherwise."""
    return element("path", d=d, **{"fill": "none", "stroke": "currentColor", **attributes})


def glyph(name: str, x: float, y: float, colour: str, scale: float = 1, style: str | None = None) -> str:
    """One of the theme's glyphs, its middle at a point."""
    grown = "" if scale == 1 else f" scale({number(scale)})"
    place = f"translate({number(x)} {number(y)}){grown}"
    if name in theme.FILLED:
        return element("path", d=theme.GLYPHS[name], transform=place, fill=colour)
    return path(
        theme.GLYPHS[name],
        transform=place,
        stroke=colour,
        stroke_width=1.7,
        stroke_linecap="round",
        style=style,
    )


def heading(title: str, below: str, wide: float, margin: float) -> str:
    """What a picture is called, and in small the scenario it shows."""
    room = wide - 2 * margin
    said = fitted(margin, 27, title, 16, room, font_weight=600)
    if below:
        # A letter of a code font is 0.6 em wide, whatever the letter.
        size = min(11.5, room / len(below) / 0.605)
        said += quiet(margin, 44, below, size, font_family=theme.CODE)
    return said


def badge(name: str, x: float, y: float, colour: str, radius: float = 8.5) -> str:
    """A glyph in white on a disc of its hue, or in paper on a disc of ink."""
    disc = element("circle", cx=x, cy=y, r=radius, fill=colour, **paper("stroke"), stroke_width=1.6)
    if colour == "currentColor":
        return disc + glyph(name, x, y, theme.PAPER_ALONE, radius / 8.5, style=f"stroke:{theme.PAPER}")
    return disc + glyph(name, x, y, theme.ON_HUE, radius / 8.5)


def paper(attribute: str = "fill") -> dict[str, Value]:
    """The colour of the page: by style for browsers, and as a plain attribute for those without `var`."""
    return {attribute: theme.PAPER_ALONE, "style": f"{attribute}:{theme.PAPER}"}


def halo() -> dict[str, Value]:
    """Paper around words, so that a line which they cross does not strike them out."""
    return {**paper("stroke"), "stroke_width": 2.5, "stroke_linejoin": "round", "paint_order": "stroke"}


def width(words: str, size: float = 12) -> float:
    """How wide words are in DejaVu Sans, in px; most fonts of a screen are narrower, so they fit too."""
    return sum(_EM.get(letter, 0.71 if letter.isupper() else 0.62) for letter in words) * size


_EM = {
    letter: em
    for em, letters in {
        0.28: "ijl'|",
        0.32: " .,",
        0.38: "ft:;-()[]rI",
        0.54: "csz_*?",
        0.59: "kvxyJ",
        0.83: "w+=#<>",
        0.98: "mMW@%…",
    }.items()
    for letter in letters
}


def document(body: str, *, wide: float, high: float, title: str, story: str, limit: int = 1000) -> str:
    """A whole picture: as wide as its place, up to `limit` px; readable by a screen reader.

    No ids, so that nothing can meet when a page shows it twice; no style sheet and no script, since in
    a notebook they would reach the rest of the page.
    """
    return element(
        "svg",
        element("title", escape(title)),
        element("desc", escape(story)),
        rect(0, 0, wide, high, rx=6, **paper()),
        element("g", body, fill="currentColor"),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {number(wide)} {number(high)}",
        width="100%",
        role="img",
        aria_label=title,
        font_family=theme.FONT,
        color=theme.INK_ALONE,
        style=f"max-width:{limit}px;height:auto;color:{theme.INK}",
    )
