"""A run told in sentences, for those who cannot see its picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from msgspec.structs import replace

from saga_lab import events as e
from saga_lab.sim.trace import Crash, Request, Trace
from saga_lab.views.words import clock, span

MOST, HEAD, TAIL = 120, 30, 10
"""Requests that a picture shows. Of a longer run, which is one that cannot end, it shows both ends."""
ALIKE, EDGE = 15, 3
"""Requests that go the same way, one after another, from which on it shows so many at both ends of them."""

_EFFECTS = {
    "done": "done at {}",
    "refused": "refused at {}",
    "repeated": "nothing new at {} (its first result again)",
    "undone": "undone at {}",
    "nothing": "nothing to undo at {}, and now nothing can happen under this key",
    "answered": "looked up at {}",
}
_LATE = {
    "done": "it still took effect at {}",
    "refused": "it still arrived, at {}, and was refused",
    "repeated": "it still arrived, at {}, and changed nothing",
    "undone": "it still undid the action at {}",
    "nothing": "it still arrived, at {}, and found nothing to undo",
    "answered": "it still arrived, at {}",
}


def story(trace: Trace, title: str = "") -> str:
    """One line for each thing that happened, in the order in which they began."""
    shown, left_out = abridged(trace)
    told = sorted([*_journal(shown), *_crashes(shown), *_requests(shown)], key=lambda line: line[0])
    lines = [title or heading(trace), _faults(trace), *(line for _, line in told), *_end(trace)]
    return "\n".join([*lines, f"Of this run, {left_out}."] if left_out else lines)


def heading(trace: Trace) -> str:
    """What a picture of the run is called when nobody gave it a title."""
    return f"{trace.saga or 'saga'}: {verdict(trace)}"


def abridged(trace: Trace) -> tuple[Trace, str]:
    """A run that fits a picture, and what was left out of its middle: nothing, as a rule."""
    asked, cuts = trace.requests, list(_alike(trace))
    if len(asked) - sum(last - first for first, last in cuts) > MOST:
        cuts = [(HEAD, len(asked) - TAIL)]
    if not cuts:
        return trace, ""
    gaps = [(ending(asked[first - 1], trace.crashes), asked[last].sent) for first, last in cuts]
    gone = {number for first, last in cuts for number in range(first, last)}
    shown = replace(
        trace,
        requests=tuple(request for number, request in enumerate(asked) if number not in gone),
        journal=tuple(_without(trace, gaps)),
    )
    return shown, f"{len(gone)} of {len(asked)} requests left out"


def _alike(trace: Trace) -> Iterator[tuple[int, int]]:
    """The middles of long rows of requests of one operation, all of which went well at once."""
    asked = trace.requests
    telling = [moment(trace, event) for event in trace.journal if not isinstance(event, _ORDINARY)]
    for what, row in groupby(range(len(asked)), key=lambda number: _smooth(asked[number])):
        numbers = list(row)
        if not what or len(numbers) < ALIKE:
            continue
        first, last = numbers[EDGE], numbers[-EDGE]
        if not any(asked[first - 1].sent < at < asked[last].sent for at in telling):
            yield first, last


_ORDINARY = (e.StepBegun, e.StepEnded, e.TimerSet, e.TimerFired)


def _smooth(request: Request) -> tuple[str, str, int] | None:
    """What a request was for, and in which life of the saga; None when there is anything to see in it."""
    smooth = request.attempt == 1 and request.answer == "value" and not request.fault
    return (request.saga, request.operation, request.incarnation) if smooth else None


def _without(trace: Trace, gaps: list[tuple[int, int]]) -> Iterator[e.Event]:
    """The journal without what was written in these gaps (ms), nor half of a timer."""
    kept = [x for x in trace.journal if not any(begin < moment(trace, x) < end for begin, end in gaps)]
    ends = Counter(event.mark for event in kept if isinstance(event, _TIMER))
    fired = {event.mark for event in trace.journal if isinstance(event, e.TimerFired)}
    for event in kept:
        if not isinstance(event, _TIMER) or event.mark not in fired or ends[event.mark] == 2:
            yield event


_TIMER = (e.TimerSet, e.TimerFired)


def subtitle(trace: Trace) -> str:
    """The scenario in short, under the title."""
    case = f"case {trace.case}, " if trace.case else ""
    said = case + ("no fault" if trace.token in ("", "none") else trace.token)
    left_out = abridged(trace)[1]
    return f"{said} ({left_out})" if left_out else said


def verdict(trace: Trace) -> str:
    """How the run ended, in a word or two: the saga's status where it gave one."""
    if trace.error:
        return trace.error.partition(":")[0].rpartition(".")[2].strip() or trace.error
    if trace.ended is None:
        return "never ended"
    status = trace.result.get("status") if isinstance(trace.result, dict) else trace.result
    return "returned" if status is None else str(status)


def moment(trace: Trace, event: e.Event) -> int:
    """When an event was written, in ms of the run."""
    return round((event.at - trace.epoch) * 1000)


def ending(request: Request, crashes: tuple[Crash, ...]) -> int:
    """When its caller stopped caring: answered, given up, or dead. Later effects are late ones."""
    if request.answered is not None:
        return request.answered
    if request.given_up is not None:
        return request.given_up
    died = [crash.at for crash in crashes if crash.at >= request.sent]
    return min(died) if died else max([request.sent, *(at for at, _ in request.effects)])


def _faults(trace: Trace) -> str:
    if trace.token in ("", "none"):
        return "No fault."
    return f"Scenario: {trace.token}."


def sentence(request: Request, crashes: tuple[Crash, ...]) -> str:
    """What became of one request: `payments.charge: done at 0.02 s; the reply was lost.`"""
    again = f", attempt {request.attempt}" if request.attempt > 1 else ""
    said = "; ".join(_parts(request, crashes))
    fault = f" Fault: {request.fault}." if request.fault else ""
    return f"{request.operation}{again}: {said}.{fault}"


def _requests(trace: Trace) -> Iterator[tuple[int, str]]:
    for request in trace.requests:
        yield request.sent, f"{clock(request.sent)}: {sentence(request, trace.crashes)}"


def _parts(request: Request, crashes: tuple[Crash, ...]) -> Iterator[str]:
    over = ending(request, crashes)
    in_time = [(at, effect) for at, effect in request.effects if at <= over]
    for nth, (at, effect) in enumerate(in_time):
        yield ("delivered again: " if nth else "") + _EFFECTS[effect].format(clock(at))
    yield from _answer(request, crashes, bool(in_time))
    for at, effect in request.effects:
        if at > over:
            yield _LATE[effect].format(clock(at))


def _answer(request: Request, crashes: tuple[Crash, ...], arrived: bool) -> Iterator[str]:
    match request.answer:
        case "value":
            yield from _found(request)
            handled = max((at for at, _ in request.effects if at <= (request.answered or 0)), default=0)
            if (way := (request.answered or 0) - handled) > 10 * (handled - request.sent):
                yield f"the reply took {span(way)}"
        case "refused":
            yield f"the answer was no ({request.reason or request.code or 'no reason given'})"
        case "unavailable":
            yield "never reached the service"
        case "lost":
            yield "the reply was lost" if arrived else "no reply came"
        case "" if any(crash.at == ending(request, crashes) for crash in crashes):
            yield "the process died before the reply came" if arrived else "the process died before an answer"
        case "" if request.given_up is not None:
            yield f"no reply; the caller gave up at {clock(request.given_up)}"
        case _:
            yield "no reply came"


def _found(request: Request) -> Iterator[str]:
    if request.role == "look-up":
        state = request.value.get("state") if isinstance(request.value, dict) else None
        yield f"the answer was {state or request.value!r}"


def _crashes(trace: Trace) -> Iterator[tuple[int, str]]:
    for crash in trace.crashes:
        at = f" ({crash.site})" if crash.site else ""
        down = span(crash.up - crash.at)
        yield crash.at, f"{clock(crash.at)}: the process crashed{at}, was down for {down}, and restarted."


def _journal(trace: Trace) -> Iterator[tuple[int, str]]:
    for event in trace.journal:
        at = moment(trace, event)
        if words := _event(trace, event):
            yield at, f"{clock(at)}: {words}."


def _event(trace: Trace, event: e.Event) -> str:
    match event:
        case e.UndoingBegan():
            return "undoing began, newest first"
        case e.TimerSet():
            return f"a timer was set for {span(event.until * 1000 - event.at * 1000)}"
        case e.TimerFired():
            return "the timer fired"
        case e.PromiseAwaited():
            return f"the saga waited for {event.name!r}"
        case e.PromiseAnswered():
            return f"{event.name!r} was answered"
        case e.PromiseTimedOut():
            return f"{event.name!r} came too late"
        case e.UndoEnded(stuck=True):
            return f"the undo of {event.step} failed for good ({event.reason})"
        case e.Parked():
            return f"a dead letter was written: {event.reason}"
        case e.CancelAsked():
            return "someone cancelled the saga"
        case e.Stuck():
            return f"the saga is stuck, {event.why}: {event.reason}"
        case _:
            return ""


def _end(trace: Trace) -> Iterator[str]:
    if trace.ended is not None:
        yield f"{clock(trace.ended)}: the saga ended: {verdict(trace)}."
    elif trace.error:
        yield f"The saga ended with an error: {trace.error}."
    else:
        yield f"The saga never ended{': ' + trace.stopped if trace.stopped else ''}."
    if trace.again is not None:
        yield f"Asked again with the same request, it answered {trace.again!r}."
