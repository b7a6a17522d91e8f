"""The bulkhead: never more calls at once than it has places, and no doubt about one that never got in."""

from __future__ import annotations

import asyncio

import pytest

from saga_lab import Bulkhead, Cancelled, Retry, Unavailable
from tests.kernel.lab import Lab, Order, moment, play, told

ONCE = Retry(attempts=1)


def crowd(lab: Lab, seconds: float) -> list[int]:
    """Make A take so long, and note how many are inside at each call."""
    inside, seen = [0], list[int]()

    async def stay() -> None:
        inside[0] += 1
        seen.append(inside[0])
        await asyncio.sleep(seconds)
        inside[0] -= 1

    lab.shop.during["A"] = stay
    return seen


def through(bulkhead: Bulkhead, timeout: float = 30):
    async def saga(saga, order: Order, shop):
        return await saga.step("A", bulkhead(shop.A), compensate=shop.a, retry=ONCE, timeout=timeout)

    return saga


@told
async def test_at_most_so_many_calls_run_at_once_whoever_makes_them(lab: Lab) -> None:
    seen = crowd(lab, 10)
    saga = through(Bulkhead(2), timeout=60)
    runs = [await lab.start(saga, f"s{i}") for i in range(5)]
    assert [await run.result() for run in runs] == [f"A-s{i}/A" for i in range(5)]
    assert max(seen) == 2 and asyncio.get_running_loop().time() == pytest.approx(30)


@told
async def test_one_whose_time_runs_out_in_line_was_never_made(lab: Lab) -> None:
    crowd(lab, 10)
    saga = through(Bulkhead(1), timeout=15)
    runs = [await lab.start(saga, f"s{i}") for i in range(3)]
    assert await runs[0].result() == "A-s0/A"
    with pytest.raises(Unavailable, match="waited too long in line"):
        await runs[2].result()
    assert lab.shop.asked.count("A") == 2 and "s2/A" not in lab.shop.closed


@told
async def test_one_whose_time_runs_out_inside_is_in_doubt_and_gives_its_place_back(lab: Lab) -> None:
    lab.shop.faults = {"A": ["hang"]}
    saga = through(Bulkhead(1), timeout=5)
    await lab.run(saga, "s0")
    assert lab.shop.story == ["A", "a"]
    assert await lab.run(saga, "s1") == "A-s1/A"


@told
async def test_a_cancel_reaches_a_saga_that_stands_in_line(lab: Lab) -> None:
    crowd(lab, 10)
    saga = through(Bulkhead(1))
    await lab.start(saga, "s0")
    waiting = await lab.start(saga, "s1")
    await moment()
    assert await lab.engine.cancel("s1")
    with pytest.raises(Cancelled):
        await waiting.result()
    assert asyncio.get_running_loop().time() < 1 and lab.shop.asked.count("A") == 1


def test_another_event_loop_has_places_of_its_own() -> None:
    bulkhead = Bulkhead(1)
    for _ in range(2):
        lab = Lab()
        lab.shop.faults = {"A": ["hang"]}

        async def story(lab: Lab = lab) -> None:
            await lab.start(through(bulkhead))
            await moment()
            await lab.start(through(bulkhead), "s2")

        play(story())
        assert lab.shop.asked == ["A"]


def test_a_bulkhead_without_places_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one place"):
        Bulkhead(0)
