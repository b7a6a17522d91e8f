"""The page of one submission: the verdict, what failed and how, run by run and instant by instant."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

import msgspec
from msgspec import Struct

from grader.exercises import EXERCISES
from grader.message import MOST_FAILURES, Failure, chapter, coverage, failures, tried
from grader.pages.html import as_data, document, said, seen, sign
from grader.pages.steps import Step, Walk, walk
from grader.report import MEDALS, Cause, Judged, Report
from grader.rules import Broken
from grader.sandbox import IN_WORDS
from grader.story import FAULT, TURNED, faults_in_words
from saga_lab.sim import Trace
from saga_lab.views.timeline import timeline

MOST_DATA = 500_000
"""Characters of runs beside those that are told; what is beyond is left out, and the page says so."""
_MEANS = {
    "pass": "passed",
    "fail": "not passed",
    "unknown": "not decided",
    "not run": "not run",
    "grader error": "an error of the grader's own",
}


class Run(Struct, frozen=True):
    """One run as the page's script shows it."""

    token: str
    faults: str
    expected: str
    observed: str
    also: str
    again: str
    walk: Walk
    services: tuple[str, ...]


class Group(Struct, frozen=True):
    """The runs of one cause, by their places; the first is the one that is told."""

    name: str
    runs: list[int]


def page(report: Report) -> str:
    """The same bytes for the same report. Without the runs, as from JSON, it has no pictures."""
    told = failures(report)
    groups, runs, pictures = _embedded(report, [one for one in told if one.cause.trace is not None])
    parts = [_head(report)]
    if report.problem:
        parts.append(f'<h2>Why</h2><pre class="why">{said(report.problem)}</pre>')
    if told:
        parts.append(f'<section aria-labelledby="failures"><h2 id="failures">{_what_failed(told)}</h2>')
        number = 0
        for place, one in enumerate(told):
            group = groups[number] if one.cause.trace is not None else None
            article = _failure(report, one, number, group)
            number += group is not None
            parts.append(article if place < MOST_FAILURES else _folded(one, article))
        parts.append("</section>")
    parts += [_promises(report), _remarks(report)]
    data = pictures + as_data("runs", {"runs": runs, "groups": groups}) if groups else ""
    title = report.title or report.file
    return document(title, "\n".join([*parts, data]), "step.js" if groups else "")


# ---- the whole of it


def _head(report: Report) -> str:
    medals = "".join(f"<span>{sign(x)} <b>{medal}</b> {x}</span>" for medal, x in _medals(report))
    sandbox = IN_WORDS[report.sandbox] if report.sandbox else "none: nothing here confined what ran"
    tried_here = "" if report.problem else f"<p>{said(tried(report))}</p>"
    return (
        f"<header><h1>{said(report.title or report.file)}</h1>"
        f'<p class="quiet">{said(report.file)}</p>'
        f'<ul class="sums"><li><b>{sign(report.verdict)} {_MEANS[report.verdict]}</b>verdict</li>'
        f"<li><b>{report.points} / {report.max_points}</b>points</li>"
        f'<li class="medals"><b>{report.medal or "no medal yet"}</b><br>{medals}</li></ul>'
        f'{tried_here}<p class="quiet">Sandbox: {said(sandbox)}</p></header>'
    )


def _medals(report: Report) -> Iterator[tuple[str, str]]:
    return ((medal, report.medals.get(medal, "not run")) for medal in MEDALS)


def _what_failed(told: list[Failure]) -> str:
    return f"{len(told)} causes of failure" if len(told) > 1 else "What failed"


def _promises(report: Report) -> str:
    """Each promise with its verdict, and the medals that it brought points for."""
    if not report.invariants:
        return ""
    rows = "".join(_promise(judged) for judged in report.invariants)
    heads = "".join(f'<th scope="col" class="medal">{medal}</th>' for medal in MEDALS)
    return (
        '<section aria-labelledby="promises"><h2 id="promises">What must hold</h2><div class="wide"><table>'
        '<thead><tr><th scope="col">Promise</th><th scope="col">Verdict</th>'
        f'{heads}<th scope="col" class="number">Points</th></tr></thead><tbody>{rows}</tbody></table></div>'
        '<p class="quiet">A higher medal brings no points while a lower one is lost.</p></section>'
    )


def _promise(judged: Judged) -> str:
    each = judged.max_points // len(MEDALS)
    cells = "".join(_medal(judged, each, place) for place in range(len(MEDALS)))
    points = f"{judged.points} / {judged.max_points}" if each else "checked, no points"
    return (
        f'<tr><th scope="row"><span class="once">{said(judged.id)}</span> {said(judged.promise)}</th>'
        f'<td class="once">{sign(judged.verdict)} {judged.verdict}</td>{cells}'
        f'<td class="number">{points}</td></tr>'
    )


def _medal(judged: Judged, each: int, place: int) -> str:
    """Points are won from bronze upwards, so their number says for which medals."""
    won = each and place < judged.points // each
    lost = each and judged.verdict == "fail" and place == judged.points // each
    words = f"+{each}" if won else f"{sign('fail')} lost" if lost else '<span class="quiet">&ndash;</span>'
    return f'<td class="medal once">{words}</td>'


def _remarks(report: Report) -> str:
    told = [
        f"<li><p>{said(remark.observed)}. {said(remark.why)}</p><p><b>Instead:</b> {said(remark.todo)}</p>"
        + (f"<p><code>{said(remark.code)}</code></p>" if remark.code else "")
        + "</li>"
        for remark in report.remarks
    ]
    told += [f"<li><p>{said(warning)}</p></li>" for warning in report.warnings]
    return (
        f"<section><h2>Remarks: risky, or good to know</h2><ul>{''.join(told)}</ul></section>" if told else ""
    )


# ---- one failure


def _folded(one: Failure, article: str) -> str:
    return (
        f'<details class="more"><summary>{said(one.judged.id)} {said(one.judged.promise)}: '
        f"{said(one.cause.faults)}</summary>{article}</details>"
    )


def _failure(report: Report, one: Failure, number: int, group: Group | None) -> str:
    judged, cause = one.judged, one.cause
    fields = [
        ("What must hold", said(cause.expected)),
        ("Observed", said(cause.observed)),
        ("What we did", said(cause.faults)),
        ("What happened", _story(cause.story)),
        ("Why it matters", said(cause.why + chapter(judged.notebook))),
        ("Your code", f"<code>{said(cause.code)}</code>" if cause.code else ""),
        ("Try", f"<code>{said(cause.again)}</code>"),
    ]
    listed = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in fields if value)
    return (
        f'<article class="failure"><h3>{sign("fail")}<span>{said(judged.id)} {said(judged.promise)}</span>'
        f'<span class="number">{judged.points} / {judged.max_points} points</span></h3><dl>{listed}</dl>'
        f'<p class="quiet">{said(coverage(report, one))}</p>{_walked(report, one, number, group)}</article>'
    )


def _story(lines: tuple[str, ...]) -> str:
    """The story, its fault and its turning point in bold."""
    told = said("\n".join(lines))
    for mark in (FAULT, TURNED):
        told = told.replace(said(mark), f"<b>{said(mark)}</b>")
    return f"<pre>{told}</pre>"


def _walked(report: Report, one: Failure, number: int, group: Group | None) -> str:
    """The picture of the run, and its instants as a list, for when there is no script."""
    cause, exercise = one.cause, EXERCISES.get(report.exercise)
    if group is None or cause.trace is None or exercise is None:
        return ""
    broken = _broken(report, one.judged.id, cause.trace)
    walked = walk(cause.trace, exercise.world, exercise.rules.tells, broken)
    listed = "".join(_step(step, place == walked.turning) for place, step in enumerate(walked.steps))
    here, others = len(group.runs) - 1, cause.others + one.alike
    left_out = (
        f'<p class="quiet">{here} of the {others} other failing scenarios with this cause are in this page. '
        f"<code>saga-lab explore {said(report.file)}</code> lists all.</p>"
        if others > here
        else ""
    )
    return (
        f'<div class="walk" data-group="{number}"><h4>The run, step by step</h4>'
        f"<figure>{_picture(report, cause.trace)}</figure>"
        f"<details><summary>Its {len(walked.steps)} instants</summary>"
        f'<ol class="instants">{listed}</ol></details>{left_out}</div>'
    )


def _step(step: Step, turning: bool) -> str:
    mark = " <b>here it went wrong</b>" if turning else ""
    changes = "".join(
        f"<br>{said(name)}: {'gone' if value is None else said(value)}" for name, value in step.changes
    )
    told = "; ".join(step.told)
    return f'<li><span class="when">{step.when}</span> {said(told)}{mark}{changes}</li>'


# ---- the runs, as data


def _embedded(report: Report, told: list[Failure]) -> tuple[list[Group], list[Run], str]:
    """The run of each failure, and as many others of the same cause as fit, of each cause in turn; and the
    pictures of these others.
    """
    runs = [_run(report, one, one.cause.trace) for one in told if one.cause.trace is not None]
    groups = [Group(_named(one), [place]) for place, one in enumerate(told)]
    room, pictures = MOST_DATA, list[str]()
    for turn in zip_longest(*(one.cause.alike for one in told)):
        for one, group, trace in zip(told, groups, turn, strict=True):
            if trace is None:
                continue
            run, drawn = _run(report, one, trace), _picture(report, trace)
            room -= len(msgspec.json.encode(run)) + len(drawn)
            if room >= 0:
                pictures.append(f'<template data-run="{len(runs)}">{drawn}</template>')
                group.runs.append(len(runs))
                runs.append(run)
    return groups, runs, "".join(pictures)


def _picture(report: Report, trace: Trace) -> str:
    return seen(timeline(trace, EXERCISES[report.exercise].world).svg)


def _named(one: Failure) -> str:
    return f"{one.judged.id} {one.judged.promise}"


def _run(report: Report, one: Failure, trace: Trace) -> Run:
    exercise, cause = EXERCISES[report.exercise], one.cause
    broken = _broken(report, one.judged.id, trace)
    also = [y.id for y, _ in exercise.rules.broken(trace, exercise.world) if y.id != one.judged.id]
    return Run(
        token=trace.token,
        faults=faults_in_words(trace.token),
        expected=broken.expected if broken else cause.expected,
        observed=broken.observed if broken else cause.observed,
        also=", ".join(dict.fromkeys(also)),
        again=_again(cause, trace.token),
        walk=walk(trace, exercise.world, exercise.rules.tells, broken),
        services=tuple(trace.instants[0].ledgers) if trace.instants else (),
    )


def _broken(report: Report, promise: str, trace: Trace) -> Broken | None:
    exercise = EXERCISES[report.exercise]
    return next((x for y, x in exercise.rules.broken(trace, exercise.world) if y.id == promise), None)


def _again(cause: Cause, token: str) -> str:
    before, found, after = cause.again.rpartition(f'"{cause.token}"')
    return f'{before}"{token}"{after}' if found else cause.again
