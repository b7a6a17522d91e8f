"""The page of a class: what hits most, which fault breaks which promise, who is stuck, and the points."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import median

from grader.exercises import EXERCISES
from grader.items import Hit, Item, Work, by_exercise, hits, items
from grader.message import failures
from grader.pages.html import document, said, sign
from grader.report import MEDALS
from saga_lab.views import svg as draw
from saga_lab.views import theme

MOST_FAULTS = 20
"""Rows of a matrix; the CSV has all."""
BINS = 10
WIDE, HIGH, FOOT = 480.0, 150.0, 34.0


def page(works: Sequence[Work]) -> str:
    """The same bytes for the same works."""
    learners = len({work.learner for work in works})
    found = items(works)
    parts = [
        f'<header><h1>The class</h1><p class="quiet">{_many(learners, "learner")}, '
        f"{_many(len(works), 'exercise')} handed in and graded. What counts is the best attempt; what "
        "fails is read from the newest.</p></header>",
        _sums(works),
        _hits(hits(works)),
        "<h2>Which fault breaks which promise</h2>"
        '<p class="quiet">For how many learners, of those who handed the exercise in. A run counts for the '
        "simplest fault that tells its cause.</p>",
        *(
            _matrix(exercise, [item for item in found if item.exercise == exercise])
            for exercise, _ in by_exercise(works)
        ),
        _stuck([work for work in works if work.stuck], any(work.since is not None for work in works)),
    ]
    return document("The class", "\n".join(parts))


def _sums(works: Sequence[Work]) -> str:
    rows = "".join(_sum(exercise, some) for exercise, some in by_exercise(works))
    heads = "".join(
        f'<th scope="col" class="number">{head}</th>' for head in ("Handed in", "Passed", *MEDALS, "Median")
    )
    drawn = "".join(_distribution(exercise, some) for exercise, some in by_exercise(works))
    return (
        '<section><h2>How they stand</h2><div class="wide"><table><thead><tr><th scope="col">Exercise</th>'
        f"{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
        '<p class="quiet">Each learner counts under the best medal alone.</p><h3>Points</h3>'
        f'<div class="pictures">{drawn}</div></section>'
    )


def _sum(exercise: int, some: Sequence[Work]) -> str:
    medals = [sum(work.medal == medal for work in some) for medal in MEDALS]
    passed = sum(work.passed for work in some)
    middle = f"{median(work.points for work in some):g} / {EXERCISES[exercise].max_points}"
    cells = "".join(f'<td class="number">{x}</td>' for x in (len(some), passed, *medals, middle))
    return f'<tr><th scope="row">{said(EXERCISES[exercise].title)}</th>{cells}</tr>'


def _distribution(exercise: int, some: Sequence[Work]) -> str:
    """How many have how many points, in tenths of what can be had."""
    most = EXERCISES[exercise].max_points
    counts = [0] * BINS
    for work in some:
        counts[min(work.points * BINS // most, BINS - 1)] += 1
    room = (WIDE - 32) / BINS
    top, ground = 40.0, HIGH
    body = draw.heading(EXERCISES[exercise].title, "", WIDE, 16)
    for place, count in enumerate(counts):
        left = 16 + place * room
        high = (ground - top - 18) * count / max(counts)
        if count:
            body += draw.rect(left + 2, ground - high, left + room - 2, ground, rx=2, fill=theme.FORWARD)
            body += draw.text(left + room / 2, ground - high - 5, str(count), 12, text_anchor="middle")
        edge = f"{place * most // BINS}"
        body += draw.quiet(left, ground + 17, edge, 11, text_anchor="middle" if place else "start")
    body += draw.line(16, ground, WIDE - 16, ground, stroke_opacity=0.5)
    body += draw.quiet(WIDE - 16, ground + 17, str(most), 11, text_anchor="end")
    story = "; ".join(
        f"{place * 100 // BINS} to {(place + 1) * 100 // BINS} % of the points: {_many(count, 'learner')}"
        for place, count in enumerate(counts)
        if count
    )
    title = f"{EXERCISES[exercise].title}: points of {_many(len(some), 'learner')}"
    return draw.document(body, wide=WIDE, high=HIGH + FOOT, title=title, story=story, limit=int(WIDE))


def _hits(found: Sequence[Hit]) -> str:
    if not found:
        return "<h2>What hits most</h2><p>Nothing failed.</p>"
    return f"<section><h2>What hits most</h2>{''.join(_hit(hit) for hit in found)}</section>"


def _hit(hit: Hit) -> str:
    """One story to show in class: without the learner's own line, and without a name."""
    cause = hit.cause
    fields = [
        ("What must hold", said(cause.expected)),
        ("Observed", said(cause.observed)),
        ("What we did", said(cause.faults)),
        ("What happened", f"<pre>{said(chr(10).join(cause.story))}</pre>"),
        ("Why it matters", said(cause.why)),
    ]
    listed = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in fields)
    return (
        f'<article class="failure"><h3>{sign("fail")}<span>Exercise {hit.exercise}, {said(hit.promise)} '
        f'{said(hit.words)}</span><span class="number">{hit.learners} of {_many(hit.of, "learner")}</span>'
        f"</h3><dl>{listed}</dl></article>"
    )


def _matrix(exercise: int, found: Sequence[Item]) -> str:
    title = f"<h3>{said(EXERCISES[exercise].title)}</h3>"
    if not found:
        return f"{title}<p>Nothing failed.</p>"
    count = {(item.fault, item.promise): item.learners for item in found}
    faults = list(dict.fromkeys(item.fault for item in found))
    known = [x.id for x in EXERCISES[exercise].rules.invariants]
    promises = sorted({item.promise: item.words for item in found}.items(), key=lambda x: known.index(x[0]))
    heads = "".join(f'<th scope="col" title="{said(words)}">{said(id)}</th>' for id, words in promises)
    rows = "".join(
        f'<tr><th scope="row"><code>{said(fault)}</code></th>'
        + "".join(_cell(count.get((fault, id), 0), found[0].of) for id, _ in promises)
        + "</tr>"
        for fault in faults[:MOST_FAULTS]
    )
    rest = len(faults) - MOST_FAULTS
    more = (
        f'<p class="quiet">{_many(rest, "more fault")} of fewer learners: see the CSV.</p>'
        if rest > 0
        else ""
    )
    key = "".join(f"<dt>{said(id)}</dt><dd>{said(words)}</dd>" for id, words in promises)
    return (
        f'{title}<div class="wide"><table class="matrix"><thead><tr><th scope="col">Fault</th>{heads}</tr>'
        f"</thead><tbody>{rows}</tbody></table></div>{more}"
        f"<details><summary>The promises in words</summary><dl>{key}</dl></details>"
    )


def _cell(learners: int, of: int) -> str:
    """The more learners the stronger the ground, and ink can be read on all of it."""
    if not learners:
        return '<td class="number quiet">·</td>'
    red, green, blue = (int(theme.FAILURE[at : at + 2], 16) for at in (1, 3, 5))
    ground = f"rgba({red},{green},{blue},{0.08 + 0.32 * learners / of:.2f})"
    return f'<td class="number" style="background:{ground}">{learners}</td>'


def _stuck(works: Sequence[Work], timed: bool) -> str:
    if not timed:
        told = "<p>Reports in a folder do not say when they were handed in. A gradebook does.</p>"
    elif not works:
        told = "<p>Nobody: whoever tried again got further.</p>"
    else:
        rows = "".join(_one_stuck(work) for work in sorted(works, key=lambda x: (x.since or 0, x.learner)))
        told = (
            '<div class="wide"><table><thead><tr><th scope="col">Learner</th><th scope="col">Exercise</th>'
            '<th scope="col">Since</th><th scope="col" class="number">Tries since</th>'
            '<th scope="col" class="number">Points</th><th scope="col">At</th></tr></thead>'
            f"<tbody>{rows}</tbody></table></div>"
        )
    return f"<section><h2>Who is stuck</h2>{told}</section>"


def _one_stuck(work: Work) -> str:
    told = failures(work.newest)
    at = f"{told[0].judged.id} {told[0].judged.promise}" if told else work.newest.verdict
    since = datetime.fromtimestamp(work.since or 0, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return (
        f'<tr><th scope="row">{said(work.learner)}</th><td class="number">{work.exercise}</td>'
        f'<td class="once">{since}</td><td class="number">{work.tries}</td>'
        f'<td class="number">{work.points}</td><td>{said(at)}</td></tr>'
    )


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
