"""Waiting: for an instant, or for somebody's answer, across crashes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from saga_lab import events as e
from saga_lab.calls import guarded
from saga_lab.context import Seconds
from saga_lab.errors import Cancelled, Refused, TimedOut
from saga_lab.incarnation import Incarnation
from saga_lab.values import from_json

INSTANT = 1e-6
"""Seconds; nearer than a clock can tell."""


def in_seconds(length: Seconds) -> float:
    return length.total_seconds() if isinstance(length, timedelta) else length


async def sleep(saga: Incarnation, mark: str, seconds: float) -> None:
    """Wait until the instant fixed when the wait began."""
    saga.alive()
    verb = f"sleep {mark}"
    saga.asked("sleep", mark)
    if mark in saga.record.fired:
        return
    await saga.go_live(verb)
    timer = saga.record.timers.get(mark)
    if timer is None:
        timer = saga.new(e.TimerSet, mark, saga.clock.now() + seconds)
        if not await saga.write(timer, unless=saga.cancel_is_pending):
            await saga.raise_cancelled(verb)
    try:
        while (left := timer.until - saga.clock.now()) > INSTANT:
            saga.resting(left)
            await guarded(saga, saga.clock.sleep(left))
    except Cancelled:
        await saga.raise_cancelled(verb)
    await saga.write(saga.new(e.TimerFired, mark))


async def promise(saga: Incarnation, mark: str, name: str, type: Any, limit: float | None) -> Any:
    """Wait for the first answer, at most `limit` seconds from when the wait began."""
    saga.alive()
    verb = f"promise {name} {mark}"
    saga.asked("promise", mark)
    if verb in saga.record.cancel_raised or name not in saga.answers:
        await saga.go_live(verb)
        wait = saga.record.waits.get(mark)
        if wait is None:
            until = None if limit is None else saga.clock.now() + limit
            wait = saga.new(e.PromiseAwaited, name, mark, until)
            if not await saga.write(wait, unless=saga.cancel_is_pending):
                await saga.raise_cancelled(verb)
        try:
            await _answer(saga, name, wait.until)
        except Cancelled:
            await saga.raise_cancelled(verb)
    answer = saga.answers[name]
    if isinstance(answer, e.PromiseTimedOut):
        raise TimedOut(f"nobody answered {name!r} in time")
    if answer.refused:
        raise Refused(answer.reason, step=name)
    return from_json(answer.value, type)


async def _answer(saga: Incarnation, name: str, until: float | None) -> None:
    """Return once there is an answer; the deadline is one, and wins a tie."""
    while name not in saga.answers:
        left = None if until is None else until - saga.clock.now()
        if left is not None and left <= INSTANT:
            late = saga.new(e.PromiseTimedOut, name)
            if await saga.write(late, unless=lambda: name in saga.answers):
                saga.answers[name] = late
            return
        saga.resting(left)
        try:
            await guarded(saga, saga.answered(name), left)
        except TimeoutError:
            continue
