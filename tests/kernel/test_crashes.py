"""Sagas of many shapes, killed or cancelled at every one of their journal writes in turn."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from saga_lab import Cancelled, CompensationFailed, Engine, Retry, StepFailed, TimedOut
from tests.kernel.lab import DAY, Clock, Death, Lab, Order, play

ONCE = Retry(attempts=1)
Faults = dict[str, list[str]]


async def plain(saga, order: Order, shop):
    await saga.step("A", shop.A, compensate=shop.a)
    await saga.step("B", shop.B, compensate=shop.b)
    return await saga.step("C", shop.C, compensate=shop.c)


async def by_hand(saga, order: Order, shop):
    try:
        return await plain(saga, order, shop)
    except StepFailed:
        await saga.compensate()
        await saga.step("log", shop.L)
        return "failed"


async def nested(saga, order: Order, shop):
    await saga.step("A", shop.A, compensate=shop.a)
    try:
        async with saga.scope():
            async with saga.scope():
                await saga.step("B", shop.B, compensate=shop.b)
            await saga.step("C", shop.C, compensate=shop.c, retry=ONCE)
    except StepFailed:
        await saga.step("F", shop.F, compensate=shop.f)
    return await saga.step("D", shop.D)


async def side_by_side(saga, order: Order, shop):
    async def branch(name: str, seconds: float):
        await saga.step(name, getattr(shop, name), compensate=getattr(shop, name.lower()))
        await saga.sleep(seconds)
        return await saga.step(f"{name}2", getattr(shop, name))

    await saga.gather(branch("A", 20), branch("B", 10), branch("C", 30))
    return await saga.step("D", shop.D)


async def waiting(saga, order: Order, shop):
    await saga.step("A", shop.A, compensate=shop.a)
    began = saga.now()
    await saga.sleep(DAY)
    try:
        await saga.promise("approval", timeout=DAY)
    except TimedOut:
        saga.park("ask somebody")
    await saga.step("B", shop.B, compensate=shop.b)
    return round(saga.now() - began) // DAY


async def pivoting(saga, order: Order, shop):
    await saga.step("A", shop.A, compensate=shop.a)
    await saga.step("P", shop.P, compensate=shop.p, pivot=True, retry=ONCE)
    return await saga.step("B", shop.B)


async def limited(saga, order: Order, shop):
    async with saga.scope(within=DAY):
        await saga.step("A", shop.A, compensate=shop.a)
        if saga.version("check"):
            await saga.step("B", shop.B, compensate=shop.b)
        await saga.sleep(30 * DAY)


async def stuck(saga, order: Order, shop):
    try:
        return await plain(saga, order, shop)
    except StepFailed:
        try:
            await saga.compensate()
        except CompensationFailed as failed:
            saga.park("look", failed.failures[0])
            await saga.step("log", shop.L)
            return "manual"


CASES: dict[str, tuple[Callable[..., Awaitable[Any]], Faults]] = {
    "all is well": (plain, {}),
    "the last is refused": (plain, {"C": ["no*"]}),
    "the last is in doubt": (plain, {"C": ["lost*"], "b": ["down", "lost"]}),
    "undone by hand": (by_hand, {"C": ["lost*"]}),
    "a fallback": (nested, {"C": ["lost*"]}),
    "nested scopes, then an error": (nested, {"D": ["no*"]}),
    "side by side": (side_by_side, {}),
    "side by side, then an error": (side_by_side, {"D": ["no*"]}),
    "long waits": (waiting, {}),
    "long waits, then an error": (waiting, {"B": ["no*"]}),
    "a pivot": (pivoting, {}),
    "a pivot in doubt": (pivoting, {"P": ["lost*"]}),
    "an error past the pivot": (pivoting, {"B": ["no*"]}),
    "a deadline": (limited, {}),
    "a stuck undo": (stuck, {"C": ["no*"], "b": ["no*"]}),
}


class Writes:
    """The journal as one worker sees it; `strike` is awaited before and after each of its writes."""

    def __init__(self, lab: Lab, strike: Callable[[str], Awaitable[None]]) -> None:
        self._journal = lab.journal
        self._strike = strike

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    async def append(self, id: str, events: Any, version: int, token: int | None = None) -> None:
        if token is not None:
            await self._strike("before")
        await self._journal.append(id, events, version, token)
        if token is not None:
            await self._strike("after")

    async def claim(self, id: str, worker: str, until: float, now: float, *first: Any) -> int | None:
        if first:
            await self._strike("before")
        try:
            return await self._journal.claim(id, worker, until, now, *first)
        finally:
            if first:
                await self._strike("after")


def ending(lab: Lab, came: Any) -> tuple[Any, ...]:
    """What the client got and what the world and the operators see."""
    told = came if not isinstance(came, BaseException) else type(came)
    letters = sorted((letter.by, letter.step) for letter in lab.engine.dead_letters())
    return told, lab.state(), sorted(lab.shop.story), sorted(lab.shop.live), letters


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_that_dies_at_any_write_changes_nothing_but_the_time(case: str, when: str) -> None:
    saga, faults = CASES[case]

    async def told(number: int) -> tuple[tuple[Any, ...], bool]:
        lab, count = Lab(), [0]
        lab.shop.faults = {name: list(plan) for name, plan in faults.items()}

        async def strike(moment: str) -> None:
            count[0] += moment == "before"
            if (count[0], moment) == (number, when):
                raise Death

        lab.engine = Engine(Writes(lab, strike), clock=Clock())
        died, came = False, None
        try:
            came = await lab.run(saga)
        except Death:
            came = Death()
        if isinstance(came, Death):
            died = True
            await lab.restart(saga, after=100)
            came = await lab.run(saga)
        return ending(lab, came), died

    whole, _ = play(told(0))
    number, died = 0, True
    while died:
        number += 1
        end, died = play(told(number))
        assert end == whole, f"{when} write {number}"
    assert number > 4


UNDOABLE = ["all is well", "nested scopes, then an error", "side by side", "long waits"]


@pytest.mark.parametrize("case", UNDOABLE)
def test_a_cancel_at_any_write_undoes_all_or_comes_too_late(case: str) -> None:
    saga, _ = CASES[case]

    async def told(number: int) -> bool:
        lab, count, answers = Lab(), [0], []

        async def strike(moment: str) -> None:
            count[0] += 1
            if count[0] == number:
                answers.append(await lab.colleague().cancel("s1") if number > 1 else False)

        lab.engine = Engine(Writes(lab, strike), clock=Clock())
        came = await lab.run(saga)
        if answers == [True]:
            assert isinstance(came, Cancelled) and lab.state() == "COMPENSATED", number
            undone = {"A", "B", "C"} if case == "side by side" else {"A", "B", "C", "F"}
            left = {key for key in lab.shop.live if key.removeprefix("s1/") in undone}
            assert not left, number
        else:
            assert not isinstance(came, BaseException) and lab.state() == "COMPLETED", number
        return bool(answers)

    number = 1
    while play(told(number)):
        number += 1
    assert number > 8


def test_two_workers_that_recover_the_same_saga_run_it_once() -> None:
    async def told() -> None:
        lab = Lab()
        lab.shop.faults = {"B": ["crash"]}
        await lab.run(plain)
        workers = [lab.colleague(plain) for _ in range(5)]
        await asyncio.sleep(100)
        await asyncio.gather(*(worker.recover() for worker in workers))
        results = await asyncio.gather(*(worker.get("s1").result() for worker in workers))
        assert results == ["C-s1/C"] * 5 and lab.shop.asked == ["A", "B", "B", "C"]

    play(told())


@pytest.mark.parametrize("decision", ["retry", "done", "skip"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_that_dies_at_any_write_after_a_release_changes_nothing(decision: str, when: str) -> None:
    async def told(number: int) -> tuple[tuple[Any, ...], bool]:
        lab, count = Lab(), [0]
        lab.shop.faults = {"C": ["no*"], "b": ["no"]}
        assert await lab.run(stuck) == "manual"

        async def strike(moment: str) -> None:
            count[0] += moment == "before"
            if (count[0], moment) == (number, when):
                raise Death

        lab.engine = Engine(Writes(lab, strike), clock=Clock())
        lab.engine.register(stuck, lab.shop)
        try:
            await lab.engine.release("s1", decision)
            came = await lab.run(stuck)
        except Death:
            came = Death()
        died = isinstance(came, Death)
        if died:
            await lab.restart(stuck, after=100)
            came = await lab.run(stuck)
        return ending(lab, came), died

    whole, _ = play(told(0))
    number, died = 0, True
    while died:
        number += 1
        end, died = play(told(number))
        assert end == whole, f"{when} write {number}"
    assert number > 3
