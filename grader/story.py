"""A run told as a story: the faults in words, what was asked, what came back."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from saga_lab import events as e
from saga_lab.sim import Crash, Fault, Request, Trace, Violation, parse
from saga_lab.sim.faults import duration

FAULT, TURNED = "<- fault", "<- here it went wrong"


def faults_in_words(token: str) -> str:
    """What was done to the run, for someone who has never seen a token."""
    scenario = parse(token)
    told = [_fault(fault) for fault in scenario.faults]
    if scenario.again:
        told.append("afterwards the same request is submitted once more")
    case = f"case {scenario.case}" if scenario.case else ""
    if not told:
        return f"nothing: {case or 'the ordinary request'}, without any fault"
    return (f"{case}: " if case else "") + "; ".join(told)


def _fault(fault: Fault) -> str:
    where, after = fault.site, "" if fault.after is None else duration(fault.after)
    often = "for good" if fault.endless else "once" if fault.times == 1 else f"{fault.times:.0f} times"
    if fault.kind == "crash":
        moment = {
            "start": "right after it was accepted",
            "finish": "when it is about to write its result",
            "timer": "in the middle of a wait",
            "promise": "while it waits for an answer",
        }[where.operation]
        return f"the saga's process dies {moment}" + (f" and is down for {after}" if after else "")
    nth = f", from request {where.nth}" if where.nth > 1 else ""
    return f"{where.operation}{f' ({where.thing})' if where.thing else ''}{nth} " + {
        "refuse": "says no",
        "down": f"cannot be reached, {often}",
        "lost": f"takes effect and its reply is lost, {often}",
        "late": f"takes effect {after or 'just'} after the caller gave up, {often}",
        "slow": f"takes effect at once and answers {after} later",
        "twice": "is delivered twice" + (f", the second time {after} later" if after else ""),
        "crash-before": "is never called: the saga's process dies right before",
        "crash-after": "takes effect, then the saga's process dies"
        + (f" and is down for {after}" if after else ""),
        "then": f"is followed by {fault.name}",
        "cancel": "is under way when someone cancels",
    }.get(fault.kind, fault.word)


def story(trace: Trace, violation: Violation | None = None, most: int = 12) -> list[str]:
    """Numbered lines, repeats folded, with the fault and the turning point marked."""
    lines = list(_lines(trace, violation))
    if len(lines) > most:
        marked = next((i for i, line in enumerate(lines) if TURNED in line), len(lines) - 1)
        first = max(0, min(marked - most // 2, len(lines) - most + 1))
        hidden = len(lines) - most + 1
        lines = (
            [*lines[: most // 3], f"   ... {hidden} more ...", *lines[-(most - most // 3 - 1) :]]
            if first
            else lines[:most]
        )
    return lines


def _lines(trace: Trace, violation: Violation | None) -> Iterator[str]:
    number, missing = 0, violation.missing if violation else ""
    for _, group in groupby(_moments(trace), key=_alike):
        same = list(group)
        number += 1
        first = same[0]
        if not isinstance(first, Request):
            yield f"{number:>2} the saga's process dies, down for {duration(first.up - first.at)}   {FAULT}"
            continue
        often = f" ({len(same)} times)" if len(same) > 1 else ""
        mark = f"   {FAULT}" if first.fault else ""
        turned = (
            violation is not None
            and not missing
            and violation.turning in [getattr(x, "number", 0) for x in same]
        )
        mark += f"   {TURNED}" if turned else ""
        yield f"{number:>2} {first.operation:<18} {_happened(first)}{often}{mark}"
    if missing:
        number += 1
        yield f"{number:>2} {missing:<18} never asked   {TURNED}"
    number += 1
    yield f"{number:>2} {_end(trace)}"


def _moments(trace: Trace) -> list[Request | Crash]:
    """Requests and crashes, in order."""
    timed = [(request.sent, 1, request) for request in trace.requests] + [
        (crash.at, 2, crash) for crash in trace.crashes
    ]
    return [what for _, _, what in sorted(timed, key=lambda x: (x[0], x[1]))]


def _alike(moment: Request | Crash) -> object:
    if not isinstance(moment, Request):
        return moment
    return (moment.operation, moment.key, moment.fault, _happened(moment))


def _happened(request: Request) -> str:
    effects = [effect for _, effect in request.effects]
    did = {
        "done": "done",
        "refused": "says no",
        "repeated": "same answer as before",
        "undone": "undone",
        "nothing": "nothing to undo, and now it never can be done",
        "answered": "answered",
    }
    if not effects:
        return (
            "not reached"
            if request.answer == "unavailable"
            else "never called"
            if request.fault
            else "no answer"
        )
    told = did[effects[0]] + (", delivered twice" if len(effects) > 1 else "")
    if request.answer == "lost":
        return f"{told}, reply lost"
    if request.given_up is not None:
        late = request.effects[0][0] > request.given_up
        return f"given up; later {told}" if late else f"{told}, no reply"
    if request.role == "look-up" and isinstance(request.value, dict):
        return f"answers {request.value['state']}"
    if request.answer == "refused":
        return (
            f"says no: {request.reason}" if effects[0] == "refused" and request.code != "declined" else told
        )
    return told


def _end(trace: Trace) -> str:
    if trace.stopped:
        return f"stopped: {trace.stopped}"
    if trace.error:
        return f"raised {trace.error}"
    status = trace.result.get("status") if isinstance(trace.result, dict) else trace.result
    letters = [event for event in trace.journal if isinstance(event, e.Parked)]
    parked = f", {len(letters)} dead letter{'s' if len(letters) > 1 else ''}" if letters else ""
    return f'returned "{status}"{parked}'
