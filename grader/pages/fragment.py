"""The report within a notebook: the message, and the picture of each failing run. No script."""

from __future__ import annotations

import html

from grader.exercises import EXERCISES
from grader.message import MOST_FAILURES, failures, text
from grader.report import Report
from saga_lab.views.timeline import timeline

_STYLE = (
    "pre.saga-lab{white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.45;"
    "color:var(--jp-ui-font-color1,inherit);background:transparent;border:0;padding:0;margin:0 0 .75rem}"
    "figure.saga-lab{margin:.75rem 0 1.5rem;overflow-x:auto}"
    "figure.saga-lab svg{max-width:100%;height:auto}"
)


def fragment(report: Report, most: int = MOST_FAILURES) -> str:
    """For a notebook: it takes the colours of the page that it stands in."""
    world = EXERCISES[report.exercise].world if report.exercise in EXERCISES else None
    pictures = [
        timeline(one.cause.trace, world).svg for one in failures(report)[:most] if one.cause.trace is not None
    ]
    drawn = "".join(f'<figure class="saga-lab">{svg}</figure>' for svg in pictures)
    return f'<style>{_STYLE}</style><pre class="saga-lab">{html.escape(text(report, most))}</pre>{drawn}'
