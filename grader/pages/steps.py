"""A run as one steps through it: its instants, what happened at each, and what changed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from grader.rules import Broken
from grader.story import DID, Tells, asked_about, from_outside, how_it_ended
from saga_lab.explain import explain
from saga_lab.sim import Request, Trace
from saga_lab.views.lanes import plan
from saga_lab.views.story import abridged, ending, moment
from saga_lab.views.words import clock
from saga_lab.worlds.world import World

LONGEST = 300
"""Characters of one thing that a page shows of a run; a learner may write a million."""
Entry = tuple[str, str]
"""A line of the ledgers: where it stands, and what it says."""


class Step(Struct, frozen=True):
    """One instant of a run.

    `when` in words, `told` what happened then, `changes` the lines of the ledgers that are new or other
    than before (None: gone), `by` the requests and people that changed them. `written`: how many lines
    the journal has by then. `x`, `top` and `bottom`: where the instant stands in the picture, in its px.
    """

    when: str
    told: tuple[str, ...]
    changes: tuple[tuple[str, str | None], ...]
    by: tuple[str, ...]
    written: int
    x: float
    top: float
    bottom: float


class Walk(Struct, frozen=True):
    """All instants of a run. `turning`: the one at which it went wrong; `left_out`: what is not shown."""

    ledgers: tuple[Entry, ...]
    journal: tuple[Entry, ...]
    steps: tuple[Step, ...]
    turning: int
    left_out: str


def walk(trace: Trace, world: type[World], tells: Tells, broken: Broken | None) -> Walk:
    """Every instant that the picture of the run shows."""
    shown, left_out = abridged(trace)
    told = sorted(_told(shown, trace, tells), key=lambda line: line[:2])
    times = sorted({0, *(at for at, _, _ in told)})
    changed = {at: by for at, by in _changed(trace)}
    laid = plan(shown, world)
    writes = [moment(trace, event) for event in trace.journal]
    before = first = _entries(_ledgers(trace, -1))
    steps = list[Step]()
    for at in times:
        after = _entries(_ledgers(trace, at))
        gone = [(name, None) for name in before if name not in after]
        new = [(name, value) for name, value in after.items() if before.get(name) != value]
        row, x = laid.axis.place(at, closing=at == times[-1])
        since = _time_before(times, at)
        steps.append(
            Step(
                when=clock(at),
                told=tuple(_short(line) for time, _, line in told if time == at),
                changes=(*new, *gone),
                by=tuple(dict.fromkeys(by for time, by in changed.items() if since < time <= at and by))
                if new or gone
                else (),
                written=bisect_right(writes, at),
                x=round(x, 1),
                top=round(laid.rows[row].top, 1),
                bottom=round(laid.rows[row].bottom, 1),
            )
        )
        before = after
    journal = zip(map(clock, writes), map(_short, explain(trace.journal)), strict=True)
    return Walk(tuple(first.items()), tuple(journal), tuple(steps), _turning(trace, times, broken), left_out)


def _time_before(times: list[int], at: int) -> int:
    return max((time for time in times if time < at), default=-1)


def _turning(trace: Trace, times: list[int], broken: Broken | None) -> int:
    """The end of the saga when its story as a whole is what is wrong, or something is missing in it."""
    turning = broken.turning if broken and not broken.missing else None
    at = _end(trace) if turning is None else trace.requests[turning - 1].sent
    return bisect_right(times, at) - 1


def _end(trace: Trace) -> int:
    """When the saga ended; of one that never did, the last that is known of it."""
    if trace.ended is not None:
        return trace.ended
    written = (moment(trace, event) for event in trace.journal)
    return max([0, *(request.sent for request in trace.requests), *written])


def _ledgers(trace: Trace, at: int) -> dict[str, Any]:
    """The services' ledgers as they stand at the end of an instant; before all of them, the first."""
    found = [instant for instant in trace.instants if instant.at <= at and at >= 0]
    return (found or trace.instants)[-1 if found else 0].ledgers if trace.instants else {}


def _entries(ledgers: dict[str, Any]) -> dict[str, str]:
    return dict(_flat(ledgers, ""))


def _flat(value: Any, place: str) -> Iterator[Entry]:
    """`accounts · balances · ACC-001`, and what stands there; nothing for what holds nothing."""
    inside: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inside = [*value.items()]
    elif isinstance(value, list | tuple) and any(isinstance(x, dict | list | tuple) for x in value):
        inside = [(f"#{number}", x) for number, x in enumerate(value, 1)]
    if not inside and not (isinstance(value, dict | list | tuple) and not value):
        told = value if isinstance(value, str) else _json(value)
        yield _short(place), _short(told or "empty")
    for name, x in inside:
        yield from _flat(x, f"{place} · {name}" if place else str(name))


def _short(words: str) -> str:
    return words if len(words) <= LONGEST else f"{words[:LONGEST]} ... ({len(words)} characters)"


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _changed(trace: Trace) -> Iterator[tuple[int, str]]:
    """When the ledgers changed, and through whom."""
    for instant in trace.instants[1:]:
        if instant.by:
            yield instant.at, "time itself" if instant.by == "time" else instant.by
        elif instant.number:
            request = trace.requests[instant.number - 1]
            yield instant.at, _short(f"{request.operation} under {request.key}")


# ---- what happened


def _told(shown: Trace, whole: Trace, tells: Tells) -> Iterator[tuple[int, int, str]]:
    """When, in which order at the same instant, and what."""
    yield 0, 0, f"{shown.saga or 'the saga'} is accepted"
    for request in shown.requests:
        yield from _of_request(request, shown, tells)
    for crash in shown.crashes:
        yield crash.at, 4, "the process dies; all it had in memory is gone"
        yield crash.up, 5, "a new process starts and replays the journal"
    for instant in whole.instants:
        if instant.by:
            yield instant.at, 3, "time passes" if instant.by == "time" else f"{instant.by} acts meanwhile"
    for told in shown.outside:
        if told.what == "cancel":
            yield told.at, 3, "someone cancels" + ("" if told.accepted else ", too late")
    for at, what in from_outside(shown):
        yield at, 3, what
    end = _end(shown)
    yield end, 8, how_it_ended(shown)
    if shown.again is not None:
        same = "the same result" if shown.again in (shown.result, shown.error) else _json(shown.again)
        yield end, 9, f"the same request again: {same}"


def _of_request(request: Request, trace: Trace, tells: Tells) -> Iterator[tuple[int, int, str]]:
    name = request.operation + (f" {what}" if (what := asked_about(request, tells)) else "")
    again = f", attempt {request.attempt}" if request.attempt > 1 else ""
    whose = f" for {request.saga}" if request.saga not in ("", trace.saga) else ""
    fault = f" (fault: {request.fault})" if request.fault else ""
    yield request.sent, 6, f"asks {name}{whose}{again}{fault}"
    over = ending(request, trace.crashes)
    for at, effect in request.effects:
        late = ", after the caller had stopped waiting" if at > over else ""
        yield at, 1, f"{request.operation}: {DID[effect]}{late}"
    if request.answered is not None:
        yield request.answered, 2, _answer(request)
    if request.given_up is not None:
        yield request.given_up, 2, f"stops waiting for {request.operation}: nobody knows whether it happened"


def _answer(request: Request) -> str:
    name, arrived = request.operation, any(at <= (request.answered or 0) for at, _ in request.effects)
    match request.answer:
        case "value" if request.role == "look-up" and isinstance(request.value, dict):
            return f"{name} answers {request.value.get('state')}"
        case "refused":
            return f"{name} says no: {request.reason or request.code or 'no reason given'}"
        case "unavailable":
            return f"{name} was not reached"
        case "lost":
            return f"the reply of {name} is lost" if arrived else f"no reply of {name} comes"
        case _:
            return f"{name} answers"
