"""The report in words: for a terminal, a notebook and a page. At most three failures, one per cause."""

from __future__ import annotations

import html
import textwrap

from grader.report import Cause, Judged, Report

WIDTH = 100
MOST_FAILURES = 3


def text(report: Report) -> str:
    """The whole message, plain text, no line over 100 columns."""
    if report.problem:
        return _clip(f"{report.title or 'Not graded'}: nothing could be judged\n\n{report.problem}\n")
    failures = causes(report)
    if not failures:
        return _passed(report)
    shown = [failure(report, judged, cause) for judged, cause in failures[:MOST_FAILURES]]
    more = len(failures) - MOST_FAILURES
    tail = (
        [f"{more} more cause{'s' if more > 1 else ''} wait behind these. Mend the first, then grade again."]
        if more > 0
        else []
    )
    return "\n\n".join([*shown, *tail, *_warnings(report)]) + "\n"


def causes(report: Report) -> list[tuple[Judged, Cause]]:
    """What failed, the most telling first: one story per cause, each told once.

    Different invariants that break in the same scenario have one cause; the first of them tells it.
    """
    found = [(judged, cause) for judged in report.invariants for cause in judged.causes]
    seen: set[str] = set()
    told = []
    for judged, cause in sorted(found, key=_telling):
        if cause.token not in seen:
            seen.add(cause.token)
            told.append((judged, cause))
    return told


def _telling(failed: tuple[Judged, Cause]) -> tuple[int, int, int]:
    """Fewer faults first; then what the exercise says itself, before what holds for all."""
    judged, cause = failed
    faults = (
        0
        if cause.token == "none" or (cause.token.startswith("case:") and " + " not in cause.token)
        else 1 + cause.token.count(" + ")
    )
    return faults, 0 if judged.id.startswith("E") else 1, -cause.others


def failure(report: Report, judged: Judged, cause: Cause) -> str:
    """One failure: promise, facts, the fault, the story, the reason, the line, the way to see it again."""
    title = f"✗ {report.title} — {judged.id} {judged.promise}"
    points = f"{judged.points} / {judged.max_points} points"
    lines = [_two(title, points)]
    lines += _field("What must hold", cause.expected)
    lines += _field("Observed", cause.observed)
    lines += _field("What we did", cause.faults)
    lines += _field("What happened", *cause.story)
    lines += _field("Why it matters", judged.why)
    if cause.line:
        lines += _field("Your code", cause.line)
    lines += _field("Try", f'saga-lab replay {report.file} "{cause.token}"')
    return "\n".join([*lines, "  " + _coverage(report, cause.others)])


def _coverage(report: Report, others: int) -> str:
    count = report.scenarios
    same = (
        f"{others} more failing scenario{'s have' if others > 1 else ' has'} this cause. " if others else ""
    )
    if count.ran <= 3:
        return f"{same}{count.ran} runs without faults; faults wait until these pass."
    what = "single faults and pairs" if report.pairs else "single faults"
    rest = "" if report.pairs else "; pairs wait until these pass"
    return f"{same}{count.ran} of {count.exist} scenarios ran ({what}){rest}."


def _passed(report: Report) -> str:
    count = report.scenarios
    tried = (
        "the runs without faults, every single fault, and every pair"
        if report.pairs
        else "the runs without faults and every single fault"
    )
    head = _two(f"✓ {report.title} — every promise holds", f"{report.points} / {report.max_points} points")
    medal = f"Medal: {report.medal}. Gold will also need rivals and cancels, which are not tried yet."
    lines = [head, f"  Tried: {tried}; {count.ran} of {count.exist} scenarios ran.", f"  {medal}"]
    return "\n".join([*lines, *_warnings(report)]) + "\n"


def _warnings(report: Report) -> list[str]:
    return [line for warning in report.warnings for line in textwrap.wrap(f"Note: {warning}", WIDTH)]


def _field(name: str, *values: str) -> list[str]:
    """A name, and its values beside it; long ones are wrapped, never cut."""
    lines: list[str] = []
    for value in values:
        for line in textwrap.wrap(value, WIDTH - 19, subsequent_indent="   ", drop_whitespace=False) or [""]:
            lines.append(f"  {name if not lines else '':<17}{line.rstrip()}")
    return lines


def _two(left: str, right: str) -> str:
    """Two texts on one line when they fit, on two when not."""
    if len(left) + len(right) + 2 <= WIDTH:
        return left + right.rjust(WIDTH - len(left))
    return "\n".join([*textwrap.wrap(left, WIDTH, subsequent_indent="  "), right.rjust(WIDTH)])


def _clip(message: str) -> str:
    return "\n".join(
        line if len(line) <= WIDTH else "\n".join(textwrap.wrap(line, WIDTH)) for line in message.split("\n")
    )


def page(report: Report, pictures: list[str]) -> str:
    """One offline page: the message, and the picture of each failing run."""
    body = "".join(f"<figure>{picture}</figure>" for picture in pictures)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(report.title)}</title>'
        "<style>:root{color-scheme:light dark}body{font-family:system-ui,sans-serif;max-width:70rem;"
        "margin:2rem auto;padding:0 1rem}pre{white-space:pre-wrap;line-height:1.4}figure{margin:1.5rem 0}</style>"
        f"<h1>{html.escape(report.title)}</h1><pre>{html.escape(text(report))}</pre>{body}</html>\n"
    )
