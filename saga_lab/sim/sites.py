"""Which faults are tried on a run: every kind at every site it reached, with durations around deadlines."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from saga_lab import events as e
from saga_lab.sim.faults import Fault, FaultKind, Site, after, read_fault
from saga_lab.sim.stage import WAY, in_ms
from saga_lab.sim.trace import Request, Trace
from saga_lab.worlds.world import Operation, Role, World

_UNREACHED = ("down", "down=3", "down*")
_UNANSWERED = ("lost", "lost=3", "lost*", "late", "late*", "late=1h", "late=1h*", "slow=5m")
_REPEATED = ("twice", "twice=1h")
_CRASHES = ("crash-before", "crash-after", "crash-after=16m")
_CHANGES = (*_UNREACHED, *_UNANSWERED, *_REPEATED, *_CRASHES, "cancel")
_ASKS = (*_UNREACHED, "slow=5m", "crash-before", "crash-after", "cancel")
TRIED: dict[Role, tuple[str, ...]] = {"action": _CHANGES, "undo": _CHANGES, "look-up": _ASKS, "read": _ASKS}
"""What is tried at every request of a role; `refuse` and rivals besides, where they can be."""
AT_MOMENTS = {"start": ("crash", "crash=16m"), "finish": ("crash", "crash=16m")}
USING_UP = ("down", "lost", "late", "slow")
"""Kinds that use up an attempt. One cut off by a crash does not count."""

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
_MARGINS = ((2 * MINUTE, SECOND), (2 * HOUR, MINUTE), (2 * DAY, HOUR))


class Try(NamedTuple):
    """A fault to add to a run, and the request that it strikes there, if it is one.

    `spare`: it differs from a usual one by a little time only, so it is tried alone, not in pairs. `equal`:
    the run is provably the same as another that was played.
    """

    fault: Fault
    request: Request | None = None
    spare: bool = False
    equal: bool = False


class Near(NamedTuple):
    """Durations, in ms: just before an instant, exactly at it, and just after."""

    before: int
    at: int
    after: int


def near(exact: int) -> Near:
    """Around a duration, in units that read well: 14m, 899940ms, 16m."""
    unit = next((unit for limit, unit in _MARGINS if exact < limit), DAY)
    return Near((exact - SECOND) // unit * unit, exact, -(-(exact + SECOND) // unit) * unit)


def usual(trace: Trace, world: type[World], since: int = -1) -> Iterator[Try]:
    """Every fault that can strike a run, in the order in which the saga went; from `since` ms on."""
    if since < 0:
        yield from _moment(Site("start"))
    for request in trace.requests:
        if request.sent >= since:
            yield from _at_request(request, world)
    yield from _in_waits(trace, since)
    yield from _moment(Site("finish"))


def _moment(site: Site) -> Iterator[Try]:
    return (Try(read_fault(f"{site}:{word}")) for word in AT_MOMENTS[site.operation])


def _at_request(request: Request, world: type[World]) -> Iterator[Try]:
    operation = world.operations[request.operation]
    rivals = tuple(f"then:{name}" for name in world.rivals if operation.name in after(name, world))
    words = (("refuse",) if operation.refusable else ()) + TRIED[operation.role] + rivals
    for word in words:
        fault = read_fault(f"{_site(request)}:{word}")
        if _within_window(fault, operation):
            yield Try(fault, request)


def _within_window(fault: Fault, operation: Operation) -> bool:
    """Nobody can be blamed for a repeat that comes when the key is forgotten."""
    return operation.window is None or (fault.after or 0) < operation.window * 1000


def _site(request: Request) -> Site:
    return Site(request.operation, request.about, request.nth)


def _in_waits(trace: Trace, since: int) -> Iterator[Try]:
    """Crashes in the middle of every wait, just before its end and at it."""
    counts = dict.fromkeys(("timer", "promise"), 0)
    ends: dict[str, float] = {}
    for event in trace.journal:
        if isinstance(event, e.TimerFired):
            ends[f"timer {event.mark}"] = event.at
        elif isinstance(event, e.PromiseAnswered | e.PromiseTimedOut):
            ends.setdefault(f"promise {event.name}", event.at)
    for event in trace.journal:
        if not isinstance(event, e.TimerSet | e.PromiseAwaited):
            continue
        name, what = ("timer", event.mark) if isinstance(event, e.TimerSet) else ("promise", event.name)
        counts[name] += 1
        began = in_ms(event.at)
        if began < since:
            continue
        site, end = Site(name, nth=counts[name]), ends.get(f"{name} {what}")
        if event.until is not None and (end is None or end >= event.until):
            yield Try(Fault(site, "crash"))
            around = near(in_ms(event.until) - began)
            yield from (Try(Fault(site, "crash", after=x), spare=True) for x in around[:2] if x > 0)
        else:  # one that nothing in the journal ends was over when the saga was, at the latest
            over = trace.ended if end is None else in_ms(end)
            if over is not None and (middle := near((over - began) // 2).before) > 0:
                yield Try(Fault(site, "crash", after=middle))


def around_deadlines(
    trace: Trace, world: type[World], patience: dict[Site, int], since: int = -1
) -> Iterator[Try]:
    """Slow, late and crashing just before, at and just after every deadline that is known by then.

    `patience`: for how long (ms) the caller at a site waits, as far as a slow reply has shown.
    """
    known = [*((since_when, due, due) for since_when, due in trace.deadlines), *_limits(trace)]
    for request in trace.requests:
        operation = world.operations[request.operation]
        if request.sent < since or operation.role in ("look-up", "read"):
            continue
        site = _site(request)
        if (limit := patience.get(site)) and operation.role == "action":
            # At the limit the time-out comes first, so what is slower is all the same.
            times = near(limit - 2 * WAY)[:2]
            yield from (Try(Fault(site, "slow", after=x), request, spare=True) for x in times if x > 0)
        reached = request.effects[0][0] if request.effects else request.sent + WAY
        for due in sorted({due for since_when, over, due in known if since_when <= reached < over}):
            for tried in _around(due, reached, request, site, limit):
                if _within_window(tried.fault, operation):
                    yield tried


def _around(due: int, reached: int, request: Request, site: Site, limit: int | None) -> Iterator[Try]:
    """The ways in which the next request can arrive around an instant, or this one land around it."""
    ways: list[tuple[FaultKind, int, float]] = [
        ("slow", due - reached - 2 * WAY, 1.0),
        ("crash-after", due - reached - 3 * WAY, 1.0),
    ]
    if limit is not None:  # else nobody knows when the caller gives up
        landing = due - request.sent - limit
        ways += [("late", landing, 1.0), ("late", landing, math.inf)]
    for kind, exact, times in ways:
        times_around = near(exact)
        for after_ms in times_around:
            if after_ms > 0:
                fault = Fault(site, kind, times, after_ms)
                equal = kind == "slow" and limit is not None and after_ms + 2 * WAY >= limit
                yield Try(fault, request, spare=after_ms != times_around.after, equal=equal)


def _limits(trace: Trace) -> Iterator[tuple[int, int, int]]:
    """What the saga set itself, waits and scopes: when each began, was over, and ends at the latest.

    A promise that has its answer expires no more, whatever comes later.
    """
    answered = {event.name: event.at for event in trace.journal if isinstance(event, e.PromiseAnswered)}
    for event in trace.journal:
        if isinstance(event, e.TimerSet | e.PromiseAwaited | e.DeadlineSet) and event.until is not None:
            over = answered.get(event.name) if isinstance(event, e.PromiseAwaited) else None
            yield in_ms(event.at), in_ms(event.until if over is None else over), in_ms(event.until)
