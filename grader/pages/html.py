"""The little of HTML that the pages need. What learners wrote is hostile: it becomes text, nothing else."""

from __future__ import annotations

import hashlib
import html
import re
from base64 import b64encode
from pathlib import Path
from typing import Any

import msgspec

from saga_lab.views import theme
from saga_lab.views.svg import element, glyph

_HERE = Path(__file__).parent
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
"""Control characters, what turns the direction of text round, and halves of letters, which no file holds."""
_SIGNS = {
    "pass": ("done", theme.RETRIABLE),
    "fail": ("failed", theme.FAILURE),
    "unknown": ("in doubt", theme.DOWN),
    "not run": ("never", theme.DOWN),
    "grader error": ("parked", theme.FAILURE),
}


def seen(words: str) -> str:
    """Words with every character in them that can be seen: others are written as `\\u202e`."""
    return _UNSEEN.sub(lambda hit: f"\\u{ord(hit[0]):04x}", words)


def said(words: object) -> str:
    """Words as text of a page, or within the quotes of an attribute."""
    return html.escape(seen(str(words)))


def sign(verdict: str) -> str:
    """A verdict as glyph on a disc of its hue; the word stands beside it."""
    name, hue = _SIGNS[verdict]
    disc = element("circle", r=8.0, fill=hue) + glyph(name, 0, 0, theme.ON_HUE)
    return element("svg", disc, viewBox="-9 -9 18 18", width=18.0, height=18.0, aria_hidden="true")


def as_data(id: str, value: Any) -> str:
    """Data for the script of the page. No text in it can end it, or begin a comment."""
    written = seen_within(msgspec.to_builtins(value))
    data = msgspec.json.encode(written).decode()
    for letter in "<>&\u2028\u2029":
        data = data.replace(letter, f"\\u{ord(letter):04x}")
    return f'<script type="application/json" id="{id}">{data}</script>'


def seen_within(value: Any) -> Any:
    """The same data, all text in it `seen`."""
    if isinstance(value, str):
        return seen(value)
    if isinstance(value, dict):
        return {seen_within(key): seen_within(x) for key, x in value.items()}
    return [seen_within(x) for x in value] if isinstance(value, list | tuple) else value


def document(title: str, body: str, script: str = "") -> str:
    """A whole page. It may run its own script and no other, and ask nobody for anything."""
    code = (_HERE / script).read_text(encoding="utf-8") if script else ""
    run = f"'sha256-{b64encode(hashlib.sha256(code.encode()).digest()).decode()}'" if code else "'none'"
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src {run}; "
        "base-uri 'none'; form-action 'none'"
    )
    style = (_HERE / "page.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        f'<link rel="icon" href="data:,"><title>{said(title)}</title>\n<style>\n{style}</style></head>\n'
        f"<body>\n{body}\n{f'<script>{code}</script>' if code else ''}</body></html>\n"
    )
