"""A saga function that changed while some of its sagas were under way."""

from __future__ import annotations

import pytest

from saga_lab import NotDeterministic, explain
from tests.kernel.lab import Lab, Order, moment, told

pytestmark = pytest.mark.usefixtures("each_journal")


async def old(saga, order: Order, shop):
    await saga.step("A", shop.A)
    return await saga.step("B", shop.B)


async def changed(saga, order: Order, shop):
    await saga.step("A", shop.A)
    await saga.step("check", shop.K)
    return await saga.step("B", shop.B)


async def marked(saga, order: Order, shop):
    await saga.step("A", shop.A)
    if saga.version("check"):
        await saga.step("check", shop.K)
    return await saga.step("B", shop.B)


for function in (old, changed, marked):
    function.__name__ = "order_saga"


@told
async def test_a_changed_saga_over_an_old_journal_is_refused_at_the_first_difference(lab: Lab) -> None:
    lab.shop.faults = {"B": ["crash"]}
    await lab.run(old)
    engine = await lab.restart(changed)
    with pytest.raises(
        NotDeterministic, match="asked for step check#1, where the journal goes on with step B"
    ):
        await engine.get("s1").result()
    assert "K" not in lab.shop.asked and lab.state() == "STUCK"
    (letter,) = engine.dead_letters()
    assert "step check#1" in letter.reason


@told
async def test_with_a_marker_an_old_saga_keeps_its_old_way(lab: Lab) -> None:
    lab.shop.faults = {"B": ["crash", "crash"]}
    await lab.run(old)
    await lab.restart(marked)
    await moment()
    engine = await lab.restart(marked)
    assert await engine.get("s1").result() == "B-s1/B" and lab.shop.story == ["A", "B"]


@told
async def test_a_saga_that_came_to_the_marker_first_takes_the_new_way_on_every_replay(lab: Lab) -> None:
    lab.shop.faults = {"K": ["crash"], "B": ["crash"]}
    await lab.run(marked)
    await lab.restart(marked)
    await moment()
    engine = await lab.restart(marked)
    assert await engine.get("s1").result() == "B-s1/B" and lab.shop.story == ["A", "K", "B"]
    assert "The saga takes the way of 'check', now and on every replay." in explain(engine.get("s1").events)


@told
async def test_an_old_saga_that_had_not_come_so_far_takes_the_new_way(lab: Lab) -> None:
    lab.shop.faults = {"A": ["crash"]}
    await lab.run(old)
    engine = await lab.restart(marked)
    assert await engine.get("s1").result() == "B-s1/B" and lab.shop.story == ["A", "K", "B"]


@told
async def test_a_marker_answers_the_same_all_through_a_run(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        first = saga.version("x")
        await saga.step("A", shop.A)
        return [first, saga.version("x"), saga.version("y")]

    assert await lab.run(saga) == [True, True, True]


@told
async def test_a_marker_that_is_taken_out_again_disturbs_no_replay(lab: Lab) -> None:
    lab.shop.faults = {"B": ["crash"]}
    await lab.run(marked)
    engine = await lab.restart(changed)
    assert await engine.get("s1").result() == "B-s1/B" and lab.shop.story == ["A", "K", "B"]
