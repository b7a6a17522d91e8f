"""The circuit breaker: what opens it, what closes it, and that an open one never leaves a doubt."""

from __future__ import annotations

import asyncio

import pytest

from saga_lab import (
    Breaker,
    Engine,
    InDoubt,
    Lookup,
    MemoryJournal,
    Refused,
    Retry,
    StepFailed,
    Unavailable,
    fold,
    values,
)
from saga_lab.values import result_type
from tests.kernel.lab import Clock, Lab, Order, moment, play, told

ONCE = Retry(attempts=1)


def now() -> float:
    return asyncio.get_running_loop().time()


async def asked(breaker: Breaker, lab: Lab, *, timeout: float = 30) -> str:
    """What one more saga learns that calls A once."""

    async def saga(saga, order: Order, shop):
        return await saga.step("A", breaker(shop.A), compensate=shop.a, retry=ONCE, timeout=timeout)

    ended = await lab.run(saga, f"s{len(lab.journal.ids())}")
    return type(ended).__name__ if isinstance(ended, Exception) else "done"


@told
async def test_it_opens_after_so_many_failures_in_a_row_and_then_nothing_is_called(lab: Lab) -> None:
    breaker = Breaker(failures=2, seconds=60)
    lab.shop.faults = {"A": ["down", "lost"]}
    assert [await asked(breaker, lab) for _ in range(3)] == ["Unavailable", "InDoubt", "Unavailable"]
    assert lab.shop.asked.count("A") == 2


@told
async def test_an_answer_in_between_begins_the_count_again(lab: Lab) -> None:
    breaker = Breaker(failures=2, seconds=60)
    lab.shop.faults = {"A": ["down", "", "down", ""]}
    assert [await asked(breaker, lab) for _ in range(4)] == ["Unavailable", "done", "Unavailable", "done"]


@told
async def test_a_refusal_is_an_answer(lab: Lab) -> None:
    breaker = Breaker(failures=2, seconds=60)
    lab.shop.faults = {"A": ["no", "no", "down", "no", "down", ""]}
    outcomes = [await asked(breaker, lab) for _ in range(6)]
    assert outcomes == ["Refused", "Refused", "Unavailable", "Refused", "Unavailable", "done"]


@told
async def test_a_time_out_is_a_failure_although_it_comes_from_outside(lab: Lab) -> None:
    breaker = Breaker(failures=1, seconds=60)
    lab.shop.faults = {"A": ["hang"]}
    assert [await asked(breaker, lab, timeout=5) for _ in range(2)] == ["InDoubt", "Unavailable"]
    assert lab.shop.asked.count("A") == 1


@told
async def test_a_cancel_and_a_crash_are_no_failures(lab: Lab) -> None:
    breaker = Breaker(failures=1, seconds=60)

    async def saga(saga, order: Order, shop):
        return await saga.step("A", breaker(shop.A), compensate=shop.a)

    lab.shop.faults = {"A": ["hang", "crash"]}
    await lab.start(saga, "cancelled")
    await moment()
    assert await lab.engine.cancel("cancelled")
    await lab.start(saga, "crashed")
    await moment()
    assert await lab.run(saga, "next") == "A-next/A"


# ---- the trial


@told
async def test_after_a_while_one_call_is_let_through_and_an_answer_closes_it(lab: Lab) -> None:
    breaker = Breaker(failures=1, seconds=60)
    lab.shop.faults = {"A": ["down"]}
    assert await asked(breaker, lab) == "Unavailable"
    await asyncio.sleep(59)
    assert await asked(breaker, lab) == "Unavailable" and lab.shop.asked.count("A") == 1
    await asyncio.sleep(1)
    assert [await asked(breaker, lab) for _ in range(2)] == ["done", "done"]


@told
async def test_a_trial_that_fails_keeps_it_open_as_long_again(lab: Lab) -> None:
    breaker = Breaker(failures=3, seconds=60)
    lab.shop.faults = {"A": ["down"] * 4}
    assert [await asked(breaker, lab) for _ in range(3)] == ["Unavailable"] * 3
    await asyncio.sleep(60)
    assert [await asked(breaker, lab) for _ in range(2)] == ["Unavailable"] * 2
    assert lab.shop.asked.count("A") == 4
    await asyncio.sleep(60)
    assert await asked(breaker, lab) == "done"


@told
async def test_a_refusal_closes_it_too(lab: Lab) -> None:
    breaker = Breaker(failures=1, seconds=60)
    lab.shop.faults = {"A": ["down", "no"]}
    await asked(breaker, lab)
    await asyncio.sleep(60)
    assert [await asked(breaker, lab) for _ in range(2)] == ["Refused", "done"]


@told
async def test_only_one_of_many_makes_the_trial(lab: Lab) -> None:
    breaker = Breaker(failures=1, seconds=60)
    lab.shop.faults = {"A": ["down"]}
    await asked(breaker, lab)
    await asyncio.sleep(60)
    lab.shop.during["A"] = lambda: asyncio.sleep(10)
    calls = [asyncio.ensure_future(breaker(lab.shop.A)(f"key {i}")) for i in range(5)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [str, *[Unavailable] * 4]


@told
async def test_a_trial_that_hangs_does_not_keep_it_open_for_ever(lab: Lab) -> None:
    breaker = Breaker(failures=1, seconds=60)
    lab.shop.faults = {"A": ["down", "hang"]}
    await asked(breaker, lab)
    await asyncio.sleep(60)
    hanging = asyncio.ensure_future(breaker(lab.shop.A)("key 1"))
    await asyncio.sleep(60)
    assert await asked(breaker, lab) == "done" and not hanging.done()


@told
async def test_a_trial_that_is_cancelled_leaves_its_turn_to_the_next(lab: Lab) -> None:
    breaker = Breaker(failures=1, seconds=60)
    lab.shop.faults = {"A": ["down", "hang"]}
    await asked(breaker, lab)
    await asyncio.sleep(60)
    hanging = asyncio.ensure_future(breaker(lab.shop.A)("key 1"))
    await moment()
    hanging.cancel()
    await moment()
    assert await asked(breaker, lab) == "done"


# ---- in a saga


@told
async def test_an_open_breaker_is_retried_by_the_step_and_leaves_nothing_to_undo(lab: Lab) -> None:
    breaker = Breaker(failures=1, seconds=60)

    async def saga(saga, order: Order, shop):
        return await saga.step("A", breaker(shop.A), compensate=shop.a)

    lab.shop.faults = {"A": ["down"]}
    ended = await lab.run(saga)
    assert isinstance(ended, Unavailable) and ended.attempts == 4
    assert "not called, since the circuit breaker is open (failures in a row: 1; " in str(ended)
    assert lab.shop.asked == ["A"]


@told
async def test_a_doubt_from_before_it_opened_stays_a_doubt(lab: Lab) -> None:
    breaker = Breaker(failures=1, seconds=60)

    async def saga(saga, order: Order, shop):
        return await saga.step("A", breaker(shop.A), compensate=shop.a)

    lab.shop.faults = {"A": ["lost"]}
    assert isinstance(await lab.run(saga), InDoubt)
    assert lab.shop.story == ["A", "a"]


@told
async def test_a_patient_step_waits_for_the_trial(lab: Lab) -> None:
    breaker = Breaker(failures=1, seconds=60)

    async def saga(saga, order: Order, shop):
        return await saga.step("A", breaker(shop.A), retry=Retry.forever())

    lab.shop.faults = {"A": ["down"]}
    assert await lab.run(saga) == "A-s1/A" and now() >= 60


@told
async def test_engines_share_it_and_a_replay_does_not_ask_it(lab: Lab) -> None:
    breaker = Breaker(failures=1, seconds=10 * 86_400)

    async def saga(saga, order: Order, shop):
        first = await saga.step("A", breaker(shop.A), compensate=shop.a)
        await saga.sleep(3600)
        return first

    await lab.start(saga)
    await moment()
    lab.shop.faults = {"B": ["down"]}
    other = Engine(MemoryJournal(), clock=Clock())

    async def failing(saga, order: Order, shop):
        return await saga.step("B", breaker(shop.B), retry=ONCE)

    with pytest.raises(Unavailable):
        await (await other.start(failing, Order(), lab.shop)).result()
    with pytest.raises(Unavailable, match="circuit breaker is open"):
        await breaker(lab.shop.A)("key")
    await lab.restart(saga)
    assert await lab.engine.get("s1").result() == "A-s1/A"


@told
async def test_behind_it_an_action_keeps_its_name_and_its_types(lab: Lab) -> None:
    class Bank:
        async def charge(self, key: str, amount: int) -> Lookup:
            return Lookup("done", amount)

    breaker = Breaker()
    assert result_type(breaker(Bank().charge)) is Lookup
    known = values._hints.cache_info().misses
    assert result_type(breaker(breaker(Bank().charge))) is Lookup
    assert values._hints.cache_info().misses == known  # wrapped anew for each step, yet looked at once

    async def saga(saga, order: Order, shop):
        return (await saga.step("A", breaker(breaker(Bank().charge)), 5)).value

    assert await lab.run(saga) == 5
    (begun,) = [step.begun for step in fold(lab.journal.read("s1")).steps.values()]
    assert begun.action.endswith("Bank.charge")


def test_another_event_loop_begins_with_a_closed_one() -> None:
    breaker = Breaker(failures=1, seconds=60)
    for _ in range(2):
        lab = Lab()
        lab.shop.faults = {"A": ["down"]}
        assert play(asked(breaker, lab)) == "Unavailable" and lab.shop.asked == ["A"]


def test_a_breaker_that_could_never_close_is_refused() -> None:
    with pytest.raises(ValueError, match="after 1 failure or more"):
        Breaker(failures=0)


# ---- falling back


async def reserved(saga, order: Order, shop, breaker: Breaker) -> str:
    """A reservation from W, or else from D, with an undo of its own."""
    try:
        async with saga.scope():
            return await saga.step("warehouse", breaker(shop.W), compensate=shop.w, retry=ONCE)
    except StepFailed:
        return await saga.step("depot", shop.D, compensate=shop.d)


def falling_back(breaker: Breaker):
    async def saga(saga, order: Order, shop):
        await saga.step("A", shop.A, compensate=shop.a)
        source = await reserved(saga, order, shop, breaker)
        await saga.step("C", shop.C, compensate=shop.c)
        return source

    return saga


@told
async def test_a_fallback_undoes_the_primary_that_is_in_doubt_and_nothing_else(lab: Lab) -> None:
    lab.shop.faults = {"W": ["lost"]}
    assert await lab.run(falling_back(Breaker())) == "D-s1/depot"
    assert lab.shop.story == ["A", "W", "w", "D", "C"]


@told
async def test_the_fallback_is_undone_when_a_later_step_fails(lab: Lab) -> None:
    lab.shop.faults = {"W": ["down"], "C": ["no"]}
    assert isinstance(await lab.run(falling_back(Breaker())), Refused)
    assert lab.shop.story == ["A", "D", "d", "a"]


@told
async def test_once_the_breaker_is_open_the_fallback_comes_at_once(lab: Lab) -> None:
    saga = falling_back(Breaker(failures=2, seconds=60))
    lab.shop.faults = {"W": ["hang", "hang"]}
    took = []
    for id in ("s1", "s2", "s3"):
        began = now()
        assert await lab.run(saga, id) == f"D-{id}/depot"
        took.append(now() - began)
    assert took == [30, 30, 0] and lab.shop.asked.count("W") == 2
