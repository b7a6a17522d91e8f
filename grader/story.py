"""A run told as a story: the faults in words, what was asked, what came of it, where it turned."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, repeat, zip_longest

from grader.rules import Broken
from grader.rules.words import duration_in_words
from saga_lab import events as e
from saga_lab.sim import Crash, Fault, Request, Trace, parse
from saga_lab.sim.faults import duration

Tells = Mapping[str, Callable[..., str]]
FAULT, TURNED = "<- fault", "<- here it went wrong"
WIDTH = 75
"""Columns of a line, its number and the gap before its marks apart: so it fits beside a message's names."""
_NARROW = 20
_KEPT = "\N{NO-BREAK SPACE}"
"""Stands for a space at which no line is broken."""
DID = {
    "done": "done",
    "refused": "says no",
    "repeated": "same answer as before",
    "undone": "undone",
    "nothing": "nothing to undo",
    "answered": "answered",
}


def faults_in_words(token: str) -> str:
    """What was done to the run, for someone who has never seen a token."""
    scenario = parse(token)
    which = [f"another request (seed {scenario.seed})"] if scenario.seed else []
    which += [f"case {scenario.case}"] if scenario.case else []
    case = ", ".join(which) + ": " if which else ""
    told = [_fault(fault) for fault in scenario.faults]
    often = [_often(fault) for fault in scenario.faults]
    more = {
        scenario.recover: "a second worker recovers it meanwhile",
        scenario.again: "at the end the same request comes again",
        scenario.again_other: "at the end another request comes under the same id",
    }.get(True)
    if len(told) == 1 and not more:
        return f"{case}1 fault{often[0]}: {told[0]}"
    told = [what + how for what, how in zip(told, often, strict=True)] + ([more] if more else [])
    if len(told) < 2:
        return case + (told[0] if told else "no fault at all")
    return f"{case}{len(told)} things: " + "; ".join(told)


def struck(trace: Trace) -> bool:
    """Did every fault of the token find a call to strike? A saga that never makes that call has none."""
    crashed = {crash.site for crash in trace.crashes}
    asked = {request.operation for request in trace.requests if request.fault}
    faults = parse(trace.token).faults
    return all(str(fault) in crashed or fault.site.operation in asked for fault in faults)


def _often(fault: Fault) -> str:
    if fault.kind not in ("down", "lost", "late"):
        return ""
    return ", for good" if fault.endless else ", once" if fault.times == 1 else f", {fault.times:.0f} times"


def _fault(fault: Fault) -> str:
    where, after = fault.site, "" if fault.after is None else duration(fault.after)
    down = f" and is down for {after}" if after else ""
    if fault.kind == "crash":
        moment = {
            "start": "right after the saga was accepted",
            "finish": "when the result is about to be written",
            "timer": "in the middle of a wait",
            "promise": "in the middle of a wait",
        }[where.operation]
        return f"the process dies {moment}{down}"
    nth = f" (from request {where.nth} on)" if where.nth > 1 else ""
    operation = where.operation + (f" of {where.thing}" if where.thing else "") + nth
    told = {
        "refuse": "says no",
        "down": "cannot be reached",
        "lost": "takes effect, its reply is lost",
        "late": f"takes effect only {f'{after} after' if after else 'when'} the caller has given up",
        "slow": f"takes effect, its reply comes {after} later",
        "twice": "is delivered twice" + (f", {after} apart" if after else ""),
        "crash-before": "is about to be called, and the process dies",
        "crash-after": f"takes effect, then the process dies{down}",
        "then": f"is followed by {fault.name}",
        "cancel": "is under way when someone cancels",
    }
    return f"{operation} {told.get(fault.kind, fault.word)}"


@dataclass(frozen=True)
class _Row:
    """One line of a story. `numbers`: the requests it tells; `count`: how many rows it stands for."""

    what: str
    about: str = ""
    happened: str = ""
    fault: str = ""
    numbers: tuple[int, ...] = ()
    count: int = 1
    landing: bool = False


def story(
    trace: Trace, broken: Broken | None = None, tells: Tells | None = None, most: int = 12
) -> list[str]:
    """Numbered lines, at most `most`; repeats folded, the fault and the turning point marked."""
    rows = list(_folded(_rows(trace, tells or {}, broken.missing if broken else "")))
    turning = _turning(rows, broken) if broken else None
    return _shown(_lines(rows, turning), most, turning)


def _rows(trace: Trace, tells: Tells, missing: str) -> Iterator[_Row]:
    """What happened, in the order in which it did."""
    end = trace.ended if trace.ended is not None else 1 << 62
    timed: list[tuple[int, int, _Row]] = []
    for request in trace.requests:
        timed.append((request.sent, 1, _asked(request, tells, end)))
        for at, effect in request.effects:
            if _is_late(request, at) and at > end:
                happened = f"lands now, {duration_in_words(at - end)} later: {DID[effect]}"
                about = asked_about(request, tells)
                row = _Row(request.operation, about, happened, numbers=(request.number,), landing=True)
                timed.append((at, 4, row))
    timed += [(crash.at, 2, _died(crash)) for crash in trace.crashes]
    timed += [(at, 0, _Row(told)) for at, told in from_outside(trace)]
    if missing:
        timed.append((end, 3, _Row(missing, happened="never asked")))
    timed.append((end, 3, _Row(how_it_ended(trace))))
    if trace.again is not None:
        same = "the same result" if trace.again in (trace.result, trace.error) else str(trace.again)
        timed.append((1 << 62, 5, _Row(f"the same request again: {same}")))
    timed.sort(key=lambda line: line[:2])
    yield from (row for _, _, row in timed)


def _asked(request: Request, tells: Tells, end: int) -> _Row:
    row = _Row(request.operation, asked_about(request, tells), _happened(request, end), request.fault)
    return replace(row, numbers=(request.number,))


def asked_about(request: Request, tells: Tells) -> str:
    """What a request asks for, in the words of the exercise."""
    tell = tells.get(request.operation)
    try:
        return tell(*request.args) if tell else request.about
    except (TypeError, KeyError):  # wrong arguments: the service said so
        return ""


def _is_late(request: Request, at: int) -> bool:
    return request.given_up is not None and at > request.given_up


def _happened(request: Request, end: int) -> str:
    effects = [effect for at, effect in request.effects if not (_is_late(request, at) and at > end)]
    if request.answer == "unavailable":
        return "not reached"
    if not effects:
        return (
            "no answer" if request.given_up is not None or request.fault.startswith("late") else "never left"
        )
    if request.role == "look-up" and isinstance(request.value, dict):
        return f"answers {request.value.get('state')}"
    told = DID[effects[0]]
    if effects[0] == "refused" and request.code not in ("declined", "no"):
        told = f"says no: {request.reason}"
    if _is_late(request, request.effects[0][0]):
        return f"no answer; later {told}"
    if len(effects) > 1:
        told += f", then {DID[effects[1]]}"
    if request.answer == "lost":
        return f"{told}, reply lost"
    return told if request.answer else f"{told}, no reply"


def _died(crash: Crash) -> _Row:
    down = f", and is down for {duration(crash.up - crash.at)}" if crash.up - crash.at > 1 else ""
    return _Row(f"the process dies{down}", fault="crash")


def from_outside(trace: Trace) -> Iterator[tuple[int, str]]:
    """What people said to the saga, and what it waited for in vain."""
    for told in trace.outside:
        if told.what == "answer":
            yield told.at, f"somebody answers {told.name!r}" + ("" if told.accepted else ": a Conflict")
    for event in trace.journal:
        if isinstance(event, e.PromiseTimedOut):
            yield round((event.at - trace.epoch) * 1000), f"nobody has answered {event.name!r} in time"


def how_it_ended(trace: Trace) -> str:
    """The last line of a story."""
    if trace.stopped:
        return f"no end: {trace.stopped}"
    if trace.error and trace.result is None:
        return f"ended by {trace.error}"
    result = trace.result
    if isinstance(result, dict) and "wrong_type" in result:
        return f"returned {result['wrong_type']}"
    status = result.get("status") if isinstance(result, dict) else result
    letters = sum(isinstance(event, e.Parked) for event in trace.journal)
    parked = f", with {letters} dead letter{'s' if letters > 1 else ''}" if letters else ""
    return f'returned "{status}"{parked}'


# ---- on paper


def _folded(rows: Iterator[_Row]) -> Iterator[_Row]:
    """Neighbours that tell the same are one row."""
    before: _Row | None = None
    for row in rows:
        if before is not None and _alike(before, row):
            before = replace(before, numbers=before.numbers + row.numbers, count=before.count + 1)
            continue
        if before is not None:
            yield before
        before = row
    if before is not None:
        yield before


def _alike(one: _Row, other: _Row) -> bool:
    return bool(one.numbers) and replace(one, numbers=(), count=1) == replace(other, numbers=())


def _turning(rows: list[_Row], broken: Broken) -> int | None:
    """The row where it went wrong; the end, when the story as a whole is what is wrong."""
    if broken.missing:
        return next((x for x, row in enumerate(rows) if row.happened == "never asked"), None)
    if broken.turning is not None:
        found = [x for x, row in enumerate(rows) if broken.turning in row.numbers]
        return found[-1] if found else None
    return next((x for x in range(len(rows) - 1, -1, -1) if not rows[x].numbers), None)


def _lines(rows: list[_Row], turning: int | None) -> list[list[str]]:
    """Each row on as many lines as it takes: words in columns, marks in one, or below each other."""
    asked = [row for row in rows if row.happened]
    what = max((len(row.what) for row in asked), default=0)
    about = max((len(row.about) for row in asked if len(row.about) <= _NARROW), default=0)
    marks = [_marks(row, place == turning) for place, row in enumerate(rows)]
    room = WIDTH - len(TURNED)
    told = [
        _in_columns(row, what, about, room if marked else WIDTH)
        for row, marked in zip(rows, marks, strict=True)
    ]
    column = min(max(len(line) for line in chain(*told)), room)
    return [
        _beside(number, lines, marked, column)
        for number, (lines, marked) in enumerate(zip(told, marks, strict=True), 1)
    ]


def _beside(number: int, lines: list[str], marks: list[str], column: int) -> list[str]:
    """The lines of a row, its number before them and its marks after."""
    if column + len("".join(marks)) < WIDTH:
        marks = [" ".join(marks)]
    numbers = [f"{number:>2}", *repeat("  ", max(len(lines), len(marks)) - 1)]
    parts = zip_longest(numbers, lines, marks, fillvalue="")
    return [f"{number} {line:<{column}}   {mark}".rstrip() for number, line, mark in parts]


def _in_columns(row: _Row, what: int, about: int, wide: int) -> list[str]:
    """Whom it asks, about what, what happened: the last is broken where it is long."""
    if not row.happened:
        return textwrap.wrap(row.what, wide, subsequent_indent="  ")
    head = f"{row.what:<{what}}  "
    happened = row.happened + (f" ({row.count}{_KEPT}times)" if row.count > 1 else "")
    if row.about or len(head) + about + len(happened) < wide:
        head += f"{row.about:<{about}}  " if about else ""
    lines = textwrap.wrap(happened, max(wide - len(head), _NARROW), break_long_words=False)
    heads = chain([head], repeat(" " * len(head)))
    return [head + line.replace(_KEPT, " ") for head, line in zip(heads, lines, strict=False)]


def _marks(row: _Row, turned: bool) -> list[str]:
    struck = row.fault and not row.fault.startswith("crash-")  # that one is marked where the process dies
    return ([FAULT] if struck else []) + ([TURNED] if turned else [])


def _shown(rows: list[list[str]], most: int, turning: int | None) -> list[str]:
    """What fits: the beginning, the turning point, and as much as can be of the end."""
    if sum(len(lines) for lines in rows) <= most:
        return [*chain(*rows)]
    keep, room = {turning} if turning is not None else set[int](), most - 2
    for row in [*range(most // 3), *reversed(range(len(rows)))]:
        if sum(len(rows[x]) for x in {*keep, row}) > room:
            break
        keep.add(row)
    shown, before = list[str](), -1
    for row in sorted(keep):
        if row > before + 1:
            shown.append(f"   ... {row - before - 1} more")
        shown += rows[row]
        before = row
    return shown
