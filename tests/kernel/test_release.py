"""What happens after a person saw to a stuck saga."""

from __future__ import annotations

import asyncio

import pytest

from saga_lab import CompensationFailed, NotDeterministic, Refused, Retry, StepFailed, explain, fold
from saga_lab.events import Released, Returned
from tests.kernel.lab import DAY, Death, Lab, Order, moment, told

pytestmark = pytest.mark.usefixtures("each_journal")

ONCE = Retry(attempts=1)


async def three(saga, order: Order, shop):
    await saga.step("A", shop.A, compensate=shop.a)
    await saga.step("B", shop.B, compensate=shop.b)
    return await saga.step("C", shop.C, compensate=shop.c)


async def by_hand_if_stuck(saga, order: Order, shop):
    try:
        await three(saga, order, shop)
    except StepFailed:
        try:
            await saga.compensate()
        except CompensationFailed as stuck:
            await saga.step("log", shop.L, str(stuck))
            return "manual"


async def stuck(lab: Lab, saga=three) -> None:
    """The undo of B failed for good, and the service is well again since."""
    lab.shop.faults = {"C": ["no"], "b": ["down*"]}
    await lab.run(saga)
    assert lab.state() == "STUCK" and lab.shop.live.keys() >= {"s1/A", "s1/B"}
    lab.shop.faults.clear()


@told
async def test_retry_tries_the_stuck_undo_again_and_the_older_ones_follow(lab: Lab) -> None:
    await stuck(lab)
    await lab.engine.release("s1", "retry")
    with pytest.raises(CompensationFailed):
        await lab.engine.get("s1").result()
    assert lab.shop.story == ["A", "B", "b", "a"] and lab.shop.asked.count("b") == 5
    assert lab.state() == "COMPENSATED" and lab.engine.dead_letters() == []


@told
async def test_retry_has_a_whole_new_budget_and_a_letter_of_its_own(lab: Lab) -> None:
    await stuck(lab)
    lab.shop.faults = {"b": ["down*"]}
    for times in (2, 3):
        await lab.engine.release("s1", "retry")
        with pytest.raises(CompensationFailed):
            await lab.engine.get("s1").result()
        assert lab.shop.asked.count("b") == 4 * times and lab.state() == "STUCK"
        (letter,) = lab.engine.dead_letters()
        assert (letter.step, letter.attempts) == ("undo of B", 4)
    lab.shop.faults = {"b": ["down", "down", "down"]}
    await lab.engine.release("s1", "retry")
    with pytest.raises(CompensationFailed):
        await lab.engine.get("s1").result()
    assert lab.shop.live == {} and lab.state() == "COMPENSATED"


@told
async def test_done_is_a_persons_word_that_the_step_is_undone(lab: Lab) -> None:
    await stuck(lab)
    await lab.engine.release("s1", "done")
    with pytest.raises(CompensationFailed):
        await lab.engine.get("s1").result()
    assert lab.shop.asked.count("b") == 4 and lab.shop.story == ["A", "B", "a"]
    assert lab.state() == "COMPENSATED" and lab.engine.dead_letters() == []


@told
async def test_skip_leaves_the_step_standing_and_undoes_the_older_ones(lab: Lab) -> None:
    await stuck(lab)
    await lab.engine.release("s1", "skip")
    with pytest.raises(CompensationFailed):
        await lab.engine.get("s1").result()
    assert lab.shop.asked.count("b") == 4 and list(lab.shop.live) == ["s1/B"]
    assert lab.state() == "COMPLETED" and lab.engine.dead_letters() == []


@pytest.mark.parametrize("decision", ["retry", "done", "skip"])
def test_the_recorded_result_stands_and_nothing_but_undos_is_called(decision: str) -> None:
    @told
    async def story(lab: Lab) -> None:
        await stuck(lab, by_hand_if_stuck)
        asked = list(lab.shop.asked)
        await lab.engine.release("s1", decision)
        assert await lab.engine.get("s1").result() == "manual"
        assert lab.shop.asked[len(asked) :] == (["b", "a"] if decision == "retry" else ["a"])
        assert lab.state() == ("COMPLETED" if decision == "skip" else "COMPENSATED")

    story()


@told
async def test_the_recorded_result_stands_though_the_function_would_now_say_something_else(lab: Lab) -> None:
    runs = []

    async def saga(saga, order: Order, shop):
        runs.append(1)
        return [await by_hand_if_stuck(saga, order, shop), len(runs)]

    await stuck(lab, saga)
    await lab.engine.release("s1", "retry")
    assert await lab.engine.get("s1").result() == ["manual", 1] and len(runs) == 2


@told
async def test_the_recorded_result_stands_when_a_released_saga_dies_stuck_and_is_released_again(
    lab: Lab,
) -> None:
    await stuck(lab, by_hand_if_stuck)
    lab.shop.faults = {"b": ["no"]}
    await lab.engine.release("s1", "retry")
    assert await lab.engine.get("s1").result() == "manual"
    *events, result = lab.engine.get("s1").events
    record = fold([*events, Released("retry", id="s1")])
    assert isinstance(result, Returned) and record.word is not None and record.word.value == result.value


@told
async def test_an_older_undo_that_gets_stuck_next_is_released_in_its_turn(lab: Lab) -> None:
    await stuck(lab, by_hand_if_stuck)
    lab.shop.faults = {"a": ["no"]}
    await lab.engine.release("s1", "retry")
    assert await lab.engine.get("s1").result() == "manual" and lab.state() == "STUCK"
    assert [letter.key for letter in lab.engine.dead_letters()] == ["s1/A"]
    await lab.engine.release("s1", "retry")
    assert await lab.engine.get("s1").result() == "manual"
    assert lab.shop.live.keys() == {"s1/L"} - {"s1/A", "s1/B"} or lab.shop.live == {"s1/log": "L-s1/log"}
    assert lab.state() == "COMPENSATED"


@told
async def test_stuck_undos_of_two_scopes_are_both_tried_again(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        await saga.step("A", shop.A, compensate=shop.a)
        try:
            async with saga.scope():
                await saga.step("B", shop.B, compensate=shop.b)
                await saga.step("C", shop.C)
        except CompensationFailed:
            await saga.step("D", shop.D)
            await saga.compensate()

    lab.shop.faults = {"C": ["no"], "b": ["no"], "a": ["no"]}
    await lab.run(saga)
    assert len(lab.engine.dead_letters()) == 2
    await lab.engine.release("s1", "retry")
    with pytest.raises(CompensationFailed):
        await lab.engine.get("s1").result()
    assert lab.shop.story == ["A", "B", "D", "b", "a"] and lab.state() == "COMPENSATED"


@told
async def test_an_error_past_the_pivot_is_run_again_with_a_new_budget(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        await saga.step("P", shop.P, pivot=True)
        try:
            await saga.step("C", shop.C)
        except StepFailed:
            await saga.step("note", shop.N)
            raise
        return await saga.step("D", shop.D)

    lab.shop.faults = {"C": ["down*"]}
    run = await lab.start(saga)
    with pytest.raises(StepFailed):
        await run.result()
    assert lab.state() == "STUCK"
    lab.shop.faults = {"C": ["down", "down", "down"]}
    await lab.engine.release("s1", "retry")
    assert await run.result() == await lab.engine.get("s1").result() == "D-s1/D"
    assert lab.shop.story == ["P", "N", "C", "D"] and lab.shop.asked.count("C") == 8
    assert lab.state() == "COMPLETED" and lab.engine.dead_letters() == []


@told
async def test_a_persons_word_closes_a_saga_that_failed_past_its_pivot(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        await saga.step("P", shop.P, pivot=True)
        await saga.step("C", shop.C)

    lab.shop.faults = {"C": ["no"]}
    await lab.run(saga)
    asked = list(lab.shop.asked)
    await lab.engine.release("s1", "done")
    with pytest.raises(Refused):
        await lab.engine.get("s1").result()
    assert (lab.state(), lab.engine.dead_letters(), lab.shop.asked) == ("COMPLETED", [], asked)


@told
async def test_a_saga_that_took_another_way_is_replayed_again_once_its_code_is_repaired(lab: Lab) -> None:
    right = True

    async def saga(saga, order: Order, shop):
        await saga.step("A" if right else "X", shop.A)
        return await saga.step("B", shop.B)

    lab.shop.faults = {"B": ["crash"]}
    await lab.run(saga)
    right = False
    engine = await lab.restart(saga)
    with pytest.raises(NotDeterministic):
        await engine.get("s1").result()
    with pytest.raises(ValueError, match="not deterministic: repair that"):
        await engine.release("s1", "done")
    right = True
    await engine.release("s1", "retry")
    assert await engine.get("s1").result() == "B-s1/B" and lab.shop.asked.count("A") == 1


@told
async def test_a_saga_that_recovery_gave_up_is_tried_as_often_again(lab: Lab) -> None:
    lab.shop.faults = {"B": ["crash*"]}
    await lab.run(three)
    for _ in range(15):
        engine = await lab.restart(three)
        await moment()
    died = lab.shop.asked.count("B")
    assert lab.state() == "STUCK"
    lab.shop.faults.clear()
    await engine.release("s1", "retry")
    assert await engine.get("s1").result() == "C-s1/C" and lab.shop.asked.count("B") == died + 1


@told
async def test_a_saga_that_is_not_stuck_cannot_be_released(lab: Lab) -> None:
    await lab.run(three)
    with pytest.raises(ValueError, match="'s1' is COMPLETED, not STUCK"):
        await lab.engine.release("s1", "retry")
    with pytest.raises(LookupError, match="no saga 'nobody'"):
        await lab.engine.release("nobody", "retry")
    with pytest.raises(ValueError, match="not 'undo'"):
        await lab.engine.release("s1", "undo")


@told
async def test_of_two_persons_one_releases_it(lab: Lab) -> None:
    await stuck(lab)
    other = lab.colleague(three)
    both = await asyncio.gather(
        lab.engine.release("s1", "retry"), other.release("s1", "skip"), return_exceptions=True
    )
    assert sorted(type(answer) for answer in both if answer) == [ValueError]
    await moment()
    assert lab.shop.story in (["A", "B", "b", "a"], ["A", "B", "a"])


@told
async def test_another_engine_than_the_one_that_ran_it_may_release_it_and_goes_on_at_once(lab: Lab) -> None:
    await stuck(lab)
    other = lab.colleague(three)
    await other.release("s1", "retry")
    with pytest.raises(CompensationFailed):
        await other.get("s1").result()
    assert lab.shop.live == {} and asyncio.get_running_loop().time() < 60


@told
async def test_an_engine_that_does_not_know_the_saga_leaves_it_to_one_that_does(lab: Lab) -> None:
    await stuck(lab)
    await lab.colleague().release("s1", "retry")
    assert lab.state() == "COMPENSATING"
    await lab.engine.recover()
    await asyncio.sleep(1)
    assert lab.shop.live == {} and lab.state() == "COMPENSATED"


@told
async def test_a_crash_right_after_the_release_changes_nothing(lab: Lab) -> None:
    await stuck(lab, by_hand_if_stuck)
    lab.shop.faults = {"b": ["crash"], "a": ["die"]}
    await lab.engine.release("s1", "retry")
    for _ in range(3):
        await moment()
        engine = await lab.restart(by_hand_if_stuck)
    assert await engine.get("s1").result() == "manual"
    assert lab.shop.story == ["A", "B", "L", "b", "a"] and lab.state() == "COMPENSATED"


@told
async def test_a_release_while_the_saga_function_still_runs_begins_it_anew(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        try:
            await three(saga, order, shop)
        except StepFailed:
            try:
                await saga.compensate()
            except CompensationFailed:
                await saga.sleep(DAY)
                return "manual"

    lab.shop.faults = {"C": ["no"], "b": ["no"]}
    run = await lab.start(saga)
    await asyncio.sleep(60)
    assert lab.state() == "STUCK"
    await lab.engine.release("s1", "retry")
    await moment()
    assert lab.shop.live == {} and lab.state() in ("WAITING", "COMPENSATING")
    assert await run.result() == "manual" and lab.state() == "COMPENSATED"


@told
async def test_a_saga_whose_worker_died_after_a_stuck_undo_still_gets_its_result(lab: Lab) -> None:
    lab.shop.faults = {"C": ["no"], "b": ["no"], "L": ["crash"]}
    assert isinstance(await lab.run(by_hand_if_stuck), Death)
    engine = await lab.restart(by_hand_if_stuck)
    assert await engine.get("s1").result() == "manual" and lab.state() == "STUCK"


@told
async def test_a_release_is_explained_and_streamed(lab: Lab) -> None:
    await stuck(lab)
    await lab.engine.release("s1", "retry")
    events = [event async for event in lab.engine.stream("s1")]
    assert lab.state() == "COMPENSATED" and len(explain(events)) == len(events)
    assert any("A person released it with 'retry'" in sentence for sentence in explain(events))
