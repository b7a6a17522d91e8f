"""Waiting: for an instant, or for somebody's answer, across crashes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from saga_lab import events as e
from saga_lab.context import Seconds
from saga_lab.errors import Refused, TimedOut
from saga_lab.guards import INSTANT, Cut, guarded
from saga_lab.incarnation import Incarnation
from saga_lab.values import from_json


def in_seconds(length: Seconds) -> float:
    return length.total_seconds() if isinstance(length, timedelta) else length


async def sleep(saga: Incarnation, mark: str, seconds: float) -> None:
    """Wait until the instant fixed when the wait began."""
    saga.alive()
    verb = f"sleep {mark}"
    saga.asked("sleep", mark)
    if mark in saga.record.fired:
        return
    known = saga.record.timers.get(mark)
    timer = known or saga.new(e.TimerSet, mark, saga.clock.now() + seconds)
    await saga.begin(verb, None if known else timer)
    try:
        while (left := timer.until - saga.clock.now()) > INSTANT:
            saga.rests(left)
            await guarded(saga, None, True, saga.clock.sleep, left)
    except Cut as cut:
        await saga.raise_cut(verb, cut)
    saga.write_later(saga.new(e.TimerFired, mark))


async def promise(saga: Incarnation, mark: str, name: str, type: Any, limit: float | None) -> Any:
    """Wait for the first answer, at most `limit` seconds from when the wait began."""
    saga.alive()
    verb = f"promise {name} {mark}"
    saga.asked("promise", mark)
    saga.raise_again(verb)
    if name not in saga.answers:
        known = saga.record.waits.get(mark)
        until = None if limit is None else saga.clock.now() + limit
        wait = known or saga.new(e.PromiseAwaited, name, mark, until)
        await saga.begin(verb, None if known else wait)
        try:
            await _answer(saga, name, wait.until)
        except Cut as cut:
            await saga.raise_cut(verb, cut)
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
            if await saga.write(late, unless=lambda: saga.answers.get(name)) is None:
                saga.answers[name] = late
            return
        saga.rests(left)
        try:
            await guarded(saga, left, True, saga.answered, name)
        except TimeoutError:
            continue
