"""The report in words, at most 25 lines of 100 columns for each failure, at most three of them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, replace

from grader.report import MEDALS, Cause, Judged, Remark, Report
from grader.sandbox import IN_WORDS
from grader.workbook import ROOT

WIDTH, HEIGHT = 100, 25
MARGIN = 19
MOST_FAILURES, MOST_REMARKS = 3, 3


@dataclass(frozen=True)
class Failure:
    """What is told once: the most telling promise that a cause broke, and the others that it broke too.

    `alike`: further failing scenarios of which the same would be told, but for the fault.
    """

    judged: Judged
    cause: Cause
    also: tuple[str, ...]
    alike: int = 0


def text(report: Report, most: int = MOST_FAILURES) -> str:
    """The whole message; `most` failures of it. Nothing in it moves the cursor of a terminal."""
    return shown(_text(report, most))


def shown(text: str) -> str:
    """A text in which what cannot be shown is written as Python escapes it."""
    return "".join(x if x.isprintable() or x == "\n" else repr(x)[1:-1] for x in text)


def _text(report: Report, most: int) -> str:
    if report.problem:
        return _problem(report)
    told = failures(report)
    parts = [failure(report, one) for one in told[:most]]
    if len(told) > most:
        more = len(told) - most
        parts.append(
            f"{_many(more, 'more cause')} behind {'this' if most == 1 else 'these'}; mend one, grade again."
        )
    if not told:
        parts.append(_passed(report) if report.verdict == "pass" else _unknown(report))
    parts += [_remark(remark) for remark in report.remarks[: 1 if told else MOST_REMARKS]]
    return "\n\n".join([*parts, *(_wrapped(f"Note: {warning}") for warning in report.warnings)]) + "\n"


def failures(report: Report) -> list[Failure]:
    """What failed, one story per cause, the simplest and most telling first.

    A story in which several promises break at the same point has one cause. So has whatever goes wrong
    in a run without faults, and what is seen at the same line under one fault and another.
    """
    found = [(judged, cause) for judged in report.invariants for cause in judged.causes]
    groups: dict[tuple[str, str], list[tuple[Judged, Cause]]] = {}
    for judged, cause in sorted(found, key=_telling):
        plain = _faults(cause.token) == 0
        same = [key for key in groups if key[0] == cause.token and (plain or not cause.turn)]
        groups.setdefault(same[0] if same else (cause.token, cause.turn), []).append((judged, cause))
    told: dict[tuple[str, ...], Failure] = {}
    for (judged, cause), *rest in groups.values():
        also = tuple(dict.fromkeys(x.id for x, _ in rest if x.id != judged.id))
        seen = (judged.id, cause.turn, cause.expected, cause.observed, cause.code)
        if before := told.get(seen):
            told[seen] = replace(before, alike=before.alike + cause.others + 1)
        else:
            told[seen] = Failure(judged, cause, also)
    return list(told.values())


def _telling(failed: tuple[Judged, Cause]) -> tuple[int, int, int, int, int]:
    """What is kept from run to run first, as it may explain the rest; then fewer faults; then what tells
    where it turned; then the exercise's own promises.
    """
    judged, cause = failed
    kept, default = judged.id != "H-1", cause.token.startswith("case:")
    return kept, _faults(cause.token), default, not cause.turn, not judged.id.startswith("E")


def _faults(token: str) -> int:
    return sum(part != "none" and not part.startswith(("seed:", "case:")) for part in token.split(" + "))


def failure(report: Report, one: Failure) -> str:
    """Promise, facts, the fault, the story, the reason, the line, the way to see it again, the coverage."""
    judged, cause = one.judged, one.cause
    head = _two(
        f"✗ {report.title} — {judged.id} {judged.promise}", f"{judged.points} / {judged.max_points} points"
    )
    facts = [
        *_field("What must hold", cause.expected),
        *_field("Observed", cause.observed),
        *_field("What we did", cause.faults),
    ]
    rest = _field("Why it matters", cause.why + chapter(judged.notebook))
    if cause.code:
        rest += _field("Your code", cause.code)
    rest += _try(cause.again)
    rest += _wrapped("  " + coverage(report, one)).split("\n")
    room = HEIGHT - len(head.split("\n")) - len(facts) - len(rest)
    return "\n".join([head, *facts, *_story(cause.story, room), *rest])


def _story(lines: tuple[str, ...], room: int) -> list[str]:
    told = _field("What happened", *lines)
    if len(told) <= room:
        return told
    return [*told[: room - 2], " " * MARGIN + "   ...", told[-1]]


def coverage(report: Report, one: Failure) -> str:
    """How many others share this cause, and how much was tried."""
    count, others = report.scenarios, one.cause.others + one.alike
    told = []
    if one.also:
        told.append(f"{_list(one.also)} break{'s' if len(one.also) == 1 else ''} here too.")
    if others:
        told.append(
            f"{_many(others, 'more failing scenario')} {'has' if others == 1 else 'have'} this cause."
        )
    if count.ran <= count.cases:
        told.append(tried(report))
    elif report.depth == 1:
        told.append(
            f"{count.ran} of {count.exist} scenarios ran (single faults); pairs wait until these pass."
        )
    else:
        told.append(f"{count.ran} of {count.exist} scenarios ran (single faults and pairs).")
    return " ".join(told)


def undecided(report: Report, judged: Judged) -> str:
    """Why a promise neither held nor broke; empty when it did."""
    if judged.verdict == "unknown":
        return "unknown: not every scenario ran, and only all of them make a pass"
    if judged.verdict != "not run":
        return ""
    if report.verdict == "fail":
        return "not run: what would put this to the test comes after what failed"
    return "not run: no scenario put this to the test"


def _remark(remark: Remark) -> str:
    """What passes, and why it is unwise all the same."""
    lines = [
        *_field("Risky", f"{remark.observed}. {remark.why}"),
        *_field("Instead", remark.todo),
        *(_field("Your code", remark.code) if remark.code else []),
    ]
    return "\n".join(lines)


def _passed(report: Report) -> str:
    head = _two(f"✓ {report.title} — every promise holds", _points(report))
    lines = [
        head,
        *_field("What was tried", tried(report)),
        *_field("Medal", f"{report.medal}" + ("" if report.depth > 1 else ". Gold also needs all pairs.")),
    ]
    return "\n".join([*lines, *_sandbox(report)])


def tried(report: Report) -> str:
    """What was done to a submission, and how much of it."""
    count = report.scenarios
    if count.ran == 0:
        return "No run came to its end."
    if count.ran <= count.cases:
        return f"{_many(count.ran, 'run')} without faults; faults wait until these pass."
    pairs = ", and every pair of them" if report.depth > 1 else ""
    process = " in a new process" if report.sandbox else ""
    left_out = (
        f", {count.pruned} left out (equal to others, or too many faults on one call)" if count.pruned else ""
    )
    return (
        f"{_many(count.cases, 'run')} without faults, every single fault at every call, with and without "
        f"a refusal{pairs}: {count.ran} of {count.exist} scenarios ran{left_out}. "
        f"Some ran again in another order{process}, and for another request."
    )


def _unknown(report: Report) -> str:
    """Nothing failed, but not everything was tried: no pass."""
    count = report.scenarios
    head = _two(f"? {report.title} — not decided", _points(report))
    told = (
        f"{count.ran} of {count.exist} scenarios ran, then the time was over. Nothing failed so far: "
        "that is no pass. A run takes milliseconds: look for work or waiting in your code that is no step."
    )
    return "\n".join([head, *_field("What was tried", told), *_sandbox(report)])


def _problem(report: Report) -> str:
    """Why nothing could be judged."""
    error = "the grader itself failed" if report.verdict == "grader error" else "nothing was run"
    lines = [f"✗ {report.title or report.file} — {error}", ""]
    for line in report.problem.split("\n"):
        indent = " " * (len(line) - len(line.lstrip()))
        lines += textwrap.wrap(line, WIDTH - 2, subsequent_indent=indent) if len(line) > WIDTH - 2 else [line]
    return "\n".join(lines[:2] + [f"  {line}".rstrip() for line in lines[2:]]) + "\n"


def _sandbox(report: Report) -> list[str]:
    if report.sandbox:
        return _field("Sandbox", IN_WORDS[report.sandbox])
    return ["  Graded inside this process: quick, for learning, and no boundary. What counts is the file."]


def _points(report: Report) -> str:
    return f"{report.points} / {report.max_points} points"


def medals(report: Report) -> str:
    """One line: each medal and its verdict."""
    return ", ".join(f"{medal} {report.medals.get(medal, 'not run')}" for medal in MEDALS)


# ---- layout


def _field(name: str, *values: str) -> list[str]:
    """A name, and its values beside it; long ones are wrapped, never cut."""
    lines: list[str] = []
    for value in values:
        for line in _fitted(value):
            lines.append(f"  {name if not lines else '':<{MARGIN - 2}}{line.rstrip()}")
    return lines


def _try(again: str) -> list[str]:
    """What a reader copies; where it is too long it is broken before the token, never in it."""
    if len(again) <= WIDTH - MARGIN:
        return _field("Try", again)
    before, quote, token = again.partition('"')
    return [*_field("Try", f"{before}\\"), f"{'':{MARGIN}}{quote}{token}"]


def chapter(number: int) -> str:
    """Where to read on, if that notebook is there."""
    return f" (notebook {number})" if any(ROOT.glob(f"notebooks/{number:02}_*.ipynb")) else ""


def _fitted(value: str) -> list[str]:
    wide = WIDTH - MARGIN
    if len(value) <= wide:
        return [value]
    return textwrap.wrap(value, wide, subsequent_indent="   ", break_on_hyphens=False) or [""]


def _two(left: str, right: str) -> str:
    """Two texts on one line when they fit, on two when not."""
    if len(left) + len(right) + 2 <= WIDTH:
        return left + right.rjust(WIDTH - len(left))
    first, *rest = textwrap.wrap(left, WIDTH, subsequent_indent="  ")
    if rest and len(rest[-1]) + len(right) + 2 <= WIDTH:
        return "\n".join([first, *rest[:-1], rest[-1] + right.rjust(WIDTH - len(rest[-1]))])
    return "\n".join([first, *rest, right.rjust(WIDTH)])


def _wrapped(line: str) -> str:
    return textwrap.fill(line, WIDTH, subsequent_indent="  ", break_on_hyphens=False)


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _list(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
