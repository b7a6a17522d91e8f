"""The one theme: what each hue and glyph means, and the ink and paper they are drawn with.

Every hue is doubled by a glyph or a shape, so that nothing is lost in grey print or to a colour-blind eye.
The hues are Okabe and Ito's (2008), darkened until white reads on them; orange carries glyphs only.
"""

from __future__ import annotations

from typing import Final

from saga_lab.worlds.world import Kind, Role

FORWARD: Final = "#0072B2"
UNDO: Final = "#D55E00"
PIVOT: Final = "#9C5BB5"
RETRIABLE: Final = "#00866A"
FAILURE: Final = "#D13B32"
WAITING: Final = "#8A9099"
DOWN: Final = "#2B2F36"
ON_HUE: Final = "#FFFFFF"

INK: Final = "var(--jp-ui-font-color1, #1f2328)"
PAPER: Final = "var(--jp-layout-color0, #ffffff)"
INK_ALONE: Final = "#1f2328"
PAPER_ALONE: Final = "#ffffff"
"""Ink and paper of JupyterLab's theme, light or dark; `ALONE` where no page gives any, as in a file."""

QUIET: Final = 0.75
"""Opacity of ink for what is read second."""

TINT: Final = 0.16
"""Opacity of a hue as a background: a light tint on white paper, a dark one on black."""

FONT: Final = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"
CODE: Final = "ui-monospace, 'Cascadia Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace"

GLYPHS: Final = {
    "done": "M-4 .4L-1.3 3.2L4 -3.2",
    "failed": "M-3.1 -3.1L3.1 3.1M3.1 -3.1L-3.1 3.1",
    "undone": "M-1.3 -4.2L-4.1 -1.4L-1.3 1.4M-4.1 -1.4H1.5A2.6 2.6 0 0 1 1.5 3.8H-1.5",
    "in doubt": "M-2.3 -2.2A2.4 2.4 0 1 1 1 .2Q0 .7 0 1.7M0 4.1V4.2",
    "never": "M-3 0H3",
    "parked": "M0 -4V1M0 3.8V3.9",
    "fault": "M1.2 -5L-3 .9H-.2L-1.2 5L3 -.9H.2Z",
    "restart": "M-3 -4L4 0L-3 4Z",
}
"""Line drawings about the origin, some 8 px wide. Not letters: fonts disagree about `↩`."""

FILLED: Final = frozenset({"fault", "restart"})


def hue(role: Role, kind: Kind) -> str:
    """The colour of a request: its direction first, then what an action is to the saga."""
    if role == "undo":
        return UNDO
    if role != "action":
        return FORWARD
    return {"compensable": FORWARD, "pivot": PIVOT, "retriable": RETRIABLE, "read": FORWARD}[kind]
