"""A scope with a deadline: all that is inside has so long, whatever crashes."""

from __future__ import annotations

import asyncio

import pytest

from saga_lab import CompensationFailed, Refused, Retry, StepFailed, TimedOut
from tests.kernel.lab import DAY, Lab, Order, moment, told

pytestmark = pytest.mark.usefixtures("each_journal")


def now() -> float:
    return asyncio.get_running_loop().time()


async def limited(saga, order: Order, shop):
    """The whole saga has an hour."""
    async with saga.scope(within=3600):
        await saga.step("A", shop.A, compensate=shop.a)
        return await saga.step("B", shop.B, compensate=shop.b, timeout=None)


@told
async def test_what_ends_in_time_is_left_alone(lab: Lab) -> None:
    lab.shop.during = {"B": lambda: asyncio.sleep(3599)}
    assert await lab.run(limited) == "B-s1/B"
    assert lab.shop.story == ["A", "B"] and lab.state() == "COMPLETED"


@told
async def test_a_call_is_cut_off_in_doubt_and_all_inside_is_undone(lab: Lab) -> None:
    lab.shop.during = {"B": lambda: asyncio.sleep(DAY)}
    assert isinstance(await lab.run(limited), TimedOut) and now() == pytest.approx(3600)
    assert lab.shop.asked == ["A", "B", "b", "a"] and lab.state() == "COMPENSATED"


@pytest.mark.parametrize("wait", ["sleep", "promise", "retry"])
def test_a_wait_is_cut_off_too(wait: str) -> None:
    @told
    async def story(lab: Lab) -> None:
        async def saga(saga, order: Order, shop):
            async with saga.scope(within=3600):
                await saga.step("A", shop.A, compensate=shop.a)
                if wait == "sleep":
                    await saga.sleep(DAY)
                elif wait == "promise":
                    await saga.promise("approval", timeout=DAY)
                else:
                    await saga.step("B", shop.B, compensate=shop.b, retry=Retry.forever())

        lab.shop.faults = {"B": ["down*"]}
        assert isinstance(await lab.run(saga), TimedOut) and now() == pytest.approx(3600)
        assert lab.shop.live == {} and lab.state() == "COMPENSATED"

    story()


@told
async def test_the_instant_is_fixed_when_the_scope_is_first_entered_whatever_crashes(lab: Lab) -> None:
    lab.shop.during = {"B": lambda: asyncio.sleep(DAY)}
    run = await lab.start(limited)
    await asyncio.sleep(1000)
    await lab.restart(limited, after=500)
    run = lab.engine.get("s1")
    with pytest.raises(TimedOut):
        await run.result()
    assert now() == pytest.approx(3600) and lab.shop.asked == ["A", "B", "B", "b", "a"]


@told
async def test_when_it_passes_while_no_worker_lives_nothing_new_is_called(lab: Lab) -> None:
    lab.shop.faults = {"A": ["die"]}
    await lab.run(limited)
    engine = await lab.restart(limited)
    with pytest.raises(TimedOut):
        await engine.get("s1").result()
    assert lab.shop.asked == ["A", "a"] and lab.state() == "COMPENSATED"


@told
async def test_it_is_raised_once_and_at_the_same_place_on_replay(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        async with saga.scope(within=60):
            await saga.step("A", shop.A)
            try:
                await saga.step("B", shop.B, timeout=None)
            except TimedOut:
                await saga.step("undo A", shop.a, key=saga.key("A"))
                await saga.step("undo B", shop.b, key=saga.key("B"))
                return "too late"

    lab.shop.during = {"B": lambda: asyncio.sleep(DAY)}
    lab.shop.faults = {"a": ["crash"], "b": ["die"]}
    await lab.run(saga)
    await lab.restart(saga)
    await moment()
    engine = await lab.restart(saga)
    assert await engine.get("s1").result() == "too late"
    assert lab.shop.live == {} and lab.shop.asked == ["A", "B", "a", "a", "b", "b"]


@told
async def test_undos_run_to_their_end_long_after_it(lab: Lab) -> None:
    lab.shop.during = {"B": lambda: asyncio.sleep(DAY), "b": lambda: asyncio.sleep(20)}
    lab.shop.faults = {"a": ["down", "down", "down"]}
    assert isinstance(await lab.run(limited), TimedOut)
    assert lab.shop.live == {} and now() > 3620


@told
async def test_a_stuck_undo_is_told_from_it(lab: Lab) -> None:
    lab.shop.during = {"B": lambda: asyncio.sleep(DAY)}
    lab.shop.faults = {"a": ["no"]}
    error = await lab.run(limited)
    assert isinstance(error, CompensationFailed) and isinstance(error.original, TimedOut)


@told
async def test_from_the_pivots_intent_on_it_is_too_late(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        async with saga.scope(within=60):
            await saga.step("A", shop.A, compensate=shop.a)
            await saga.step("P", shop.P, pivot=True, timeout=None)
            await saga.sleep(DAY)
            return await saga.step("B", shop.B)

    lab.shop.during = {"P": lambda: asyncio.sleep(120)}
    assert await lab.run(saga) == "B-s1/B" and lab.shop.story == ["A", "P", "B"]


@told
async def test_when_the_pivot_is_refused_after_it_the_saga_hears_of_the_refusal(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        async with saga.scope(within=60):
            await saga.step("A", shop.A, compensate=shop.a)
            try:
                await saga.step("P", shop.P, pivot=True, timeout=None)
            except StepFailed:
                await saga.step("B", shop.B)

    async def refuse():
        await asyncio.sleep(120)
        raise Refused("no")

    lab.shop.during = {"P": refuse}
    assert isinstance(await lab.run(saga), TimedOut)
    assert lab.shop.asked == ["A", "P", "a"]


@told
async def test_an_inner_deadline_is_the_inner_scopes_alone(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        async with saga.scope(within=3600):
            await saga.step("A", shop.A, compensate=shop.a)
            try:
                async with saga.scope(within=60):
                    await saga.step("B", shop.B, compensate=shop.b, timeout=None)
            except TimedOut:
                return await saga.step("F", shop.F, compensate=shop.f)

    lab.shop.during = {"B": lambda: asyncio.sleep(DAY)}
    assert await lab.run(saga) == "F-s1/F"
    assert lab.shop.asked == ["A", "B", "b", "F"] and lab.state() == "COMPLETED"


@told
async def test_side_by_side_every_branch_is_cut_off(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        async with saga.scope(within=60):
            await saga.gather(
                saga.step("A", shop.A, compensate=shop.a, timeout=None),
                saga.step("B", shop.B, compensate=shop.b, timeout=None),
            )

    lab.shop.during = {name: lambda: asyncio.sleep(DAY) for name in "AB"}
    assert isinstance(await lab.run(saga), TimedOut)
    assert lab.shop.asked == ["A", "B", "b", "a"] and now() == pytest.approx(60)


@told
async def test_a_tie_goes_to_the_deadline(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        async with saga.scope(within=60):
            await saga.step("A", shop.A, compensate=shop.a)
            await saga.sleep(60)
            await saga.step("B", shop.B)

    assert isinstance(await lab.run(saga), TimedOut) and lab.shop.asked == ["A", "a"]


@told
async def test_leaving_the_scope_ends_the_deadline(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        async with saga.scope(within=60):
            await saga.step("A", shop.A, compensate=shop.a)
        await saga.sleep(DAY)
        return await saga.step("B", shop.B)

    assert await lab.run(saga) == "B-s1/B" and lab.shop.story == ["A", "B"]
