"""What an eye sees of a picture, worked out from its SVG: where words stand, on what, in which colours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

from saga_lab.views.svg import width

SVG = "{http://www.w3.org/2000/svg}"
LIGHT = {"--jp-ui-font-color1": (0, 0, 0, 0.87), "--jp-layout-color0": (255, 255, 255, 1)}
DARK = {"--jp-ui-font-color1": (255, 255, 255, 0.87), "--jp-layout-color0": (17, 17, 17, 1)}
Colour = tuple[float, float, float, float]


@dataclass
class Words:
    text: str
    left: float
    right: float
    baseline: float
    size: float
    colour: Colour
    ground: Colour


def parse(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def see(svg: str, theme: dict[str, Colour]) -> list[Words]:
    """All words of a picture with the colour beneath them, in a light or a dark page."""
    root = parse(svg)
    painted: list[tuple[float, float, float, float, Colour]] = []
    seen = []
    for element, dx, dy in _all(root, 0.0, 0.0):
        if element.tag == f"{SVG}rect":
            box = [float(element.get(name, 0)) for name in ("x", "y", "width", "height")]
            if element.get("fill") != "none":
                painted.append((box[0] + dx, box[1] + dy, box[2], box[3], _colour(element, theme)))
        elif element.tag == f"{SVG}text":
            size, text = float(element.get("font-size", 12)), element.text or ""
            wide = width(text, size) * (1.1 if element.get("font-weight") else 1)
            if element.get("font-family"):
                wide = len(text) * size * 0.605
            shift = {"middle": 0.5, "end": 1.0}.get(element.get("text-anchor", ""), 0.0)
            left = float(element.get("x", 0)) + dx - shift * wide
            baseline = float(element.get("y", 0)) + dy
            ground = theme["--jp-layout-color0"]
            for x, y, w, h, colour in painted:
                if x <= left + wide / 2 <= x + w and y <= baseline - size / 3 <= y + h:
                    ground = over(colour, ground)
            seen.append(
                Words(text, left, left + wide, baseline, size, over(_colour(element, theme), ground), ground)
            )
    return seen


def contrast(one: Colour, other: Colour) -> float:
    """The contrast ratio of WCAG 2."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def over(top: Colour, ground: Colour) -> Colour:
    share = top[3]
    red, green, blue = (a * share + b * (1 - share) for a, b in zip(top[:3], ground[:3], strict=True))
    return red, green, blue, 1


def _all(
    element: ElementTree.Element, dx: float, dy: float
) -> Iterator[tuple[ElementTree.Element, float, float]]:
    for child in element:
        moved = re.fullmatch(r"translate\((\S+) (\S+)\).*", child.get("transform", "translate(0 0)"))
        assert moved is not None
        x, y = dx + float(moved[1]), dy + float(moved[2])
        yield child, x, y
        yield from _all(child, x, y)


def _colour(element: ElementTree.Element, theme: dict[str, Colour]) -> Colour:
    styled = re.search(r"(?<!-)fill:var\((--[\w-]+)", element.get("style", ""))
    fill = element.get("fill", "currentColor")
    if styled:
        red, green, blue, alpha = theme[styled[1]]
    elif fill == "currentColor":
        red, green, blue, alpha = theme["--jp-ui-font-color1"]
    else:
        red, green, blue = (int(fill[at : at + 2], 16) for at in (1, 3, 5))
        alpha = 1.0
    return red, green, blue, alpha * float(element.get("fill-opacity", 1))


def _luminance(colour: Colour) -> float:
    parts = [part / 255 for part in colour[:3]]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
