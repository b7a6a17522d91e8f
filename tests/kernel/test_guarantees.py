"""What the kernel promises beyond one step, told as stories over a ledger."""

from __future__ import annotations

import asyncio

import pytest

from saga_lab import (
    Cancelled,
    CompensationFailed,
    Conflict,
    InDoubt,
    NotDeterministic,
    PivotPassed,
    Refused,
    Retry,
    StepFailed,
    TimedOut,
    explain,
    fold,
)
from tests.kernel.lab import DAY, Lab, Order, moment, told

pytestmark = pytest.mark.usefixtures("each_journal")

ONCE = Retry(attempts=1)


async def three(saga, order: Order, shop):
    await saga.step("A", shop.A, compensate=shop.a)
    await saga.step("B", shop.B, compensate=shop.b)
    return await saga.step("C", shop.C, compensate=shop.c)


# ---- undoing


@told
async def test_a_stuck_undo_stops_the_older_ones_and_is_parked(lab: Lab) -> None:
    lab.shop.faults = {"C": ["no"], "b": ["down*"]}
    ended = await lab.run(three)
    assert isinstance(ended, CompensationFailed) and isinstance(ended.original, Refused)
    assert lab.shop.story == ["A", "B"] and lab.shop.asked.count("b") == 4
    assert lab.state() == "STUCK"
    (letter,) = lab.engine.dead_letters()
    assert (letter.step, letter.key, letter.attempts) == ("undo of B", "s1/B", 4)
    assert letter.still_done == ("A", "B")


@told
async def test_a_refused_undo_is_parked_at_once(lab: Lab) -> None:
    lab.shop.faults = {"C": ["no"], "b": ["no"]}
    await lab.run(three)
    assert lab.shop.asked.count("b") == 1 and lab.state() == "STUCK"


@told
async def test_on_stuck_continue_tries_the_older_undos_too(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        try:
            await three(saga, order, shop)
        except StepFailed:
            await saga.compensate(on_stuck="continue")

    lab.shop.faults = {"C": ["no"], "b": ["down*"]}
    assert isinstance(await lab.run(saga), CompensationFailed)
    assert lab.shop.story == ["A", "B", "a"]


@told
async def test_continue_never_passes_a_stuck_undo_of_the_pivot(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        try:
            await saga.step("A", shop.A, compensate=shop.a)
            await saga.step("P", shop.P, compensate=shop.p, pivot=True, retry=ONCE)
        except StepFailed:
            await saga.compensate(on_stuck="continue")

    lab.shop.faults = {"P": ["lost"], "p": ["down*"]}
    assert isinstance(await lab.run(saga), CompensationFailed)
    assert lab.shop.story == ["A", "P"]


@told
async def test_a_caught_stuck_undo_lets_the_saga_return_and_the_state_stays_stuck(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        try:
            await three(saga, order, shop)
        except StepFailed:
            try:
                await saga.compensate()
            except CompensationFailed:
                return "manual"

    lab.shop.faults = {"C": ["no"], "b": ["down*"]}
    assert await lab.run(saga) == "manual" and lab.state() == "STUCK"


@told
async def test_a_new_action_with_an_undo_is_refused_once_undoing_began(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        await saga.step("A", shop.A, compensate=shop.a)
        await saga.compensate()
        await saga.step("log", shop.L)
        await saga.step("B", shop.B, compensate=shop.b)

    error = await lab.run(saga)
    assert isinstance(error, RuntimeError) and "'B' has an undo" in str(error)
    assert lab.shop.story == ["A", "a", "L"]


@told
async def test_undos_are_carried_out_once_even_when_asked_for_twice(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        await saga.step("A", shop.A, compensate=shop.a)
        await saga.compensate()
        await saga.compensate()
        return "failed"

    assert await lab.run(saga) == "failed" and lab.shop.asked.count("a") == 1
    assert lab.state() == "COMPENSATED"


# ---- scopes


@told
async def test_leaving_a_scope_with_an_error_undoes_what_began_inside_alone(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        await saga.step("A", shop.A, compensate=shop.a)
        try:
            async with saga.scope():
                await saga.step("B", shop.B, compensate=shop.b)
                await saga.step("C", shop.C)
        except Refused:
            pass
        return await saga.step("D", shop.D, compensate=shop.d)

    lab.shop.faults = {"C": ["no"]}
    await lab.run(saga)
    assert lab.shop.story == ["A", "B", "b", "D"] and lab.state() == "COMPLETED"


@told
async def test_a_scope_that_is_left_well_hands_its_undos_to_the_outer_one(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        async with saga.scope():
            await saga.step("A", shop.A, compensate=shop.a)
        await saga.step("B", shop.B)

    lab.shop.faults = {"B": ["no"]}
    assert isinstance(await lab.run(saga), Refused) and lab.shop.story == ["A", "a"]


@told
async def test_a_fallback_undoes_the_primary_in_doubt_before_it_begins(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        try:
            async with saga.scope():
                return await saga.step("P", shop.P, compensate=shop.p, retry=ONCE)
        except StepFailed:
            return await saga.step("F", shop.F, compensate=shop.f)

    lab.shop.faults = {"P": ["lost"]}
    await lab.run(saga)
    assert lab.shop.story == ["P", "p", "F"]


@told
async def test_a_stuck_inner_scope_leaves_the_outer_list_untouched_and_working(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        await saga.step("A", shop.A, compensate=shop.a)
        try:
            async with saga.scope():
                await saga.step("B", shop.B, compensate=shop.b)
                await saga.step("C", shop.C)
        except CompensationFailed:
            await saga.compensate()
            return "manual"

    lab.shop.faults = {"C": ["no"], "b": ["down*"]}
    assert await lab.run(saga) == "manual"
    assert lab.shop.story == ["A", "B", "a"] and lab.state() == "STUCK"


@told
async def test_an_inner_pivot_that_cannot_be_undone_keeps_the_outer_undos_back(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        async with saga.scope():
            await saga.step("A", shop.A, compensate=shop.a)
            async with saga.scope():
                await saga.step("B", shop.B, compensate=shop.b)
                await saga.step("P", shop.P, compensate=shop.p, pivot=True, retry=ONCE)

    lab.shop.faults = {"P": ["lost"], "p": ["down*"]}
    ended = await lab.run(saga)
    assert isinstance(ended, CompensationFailed) and [one.step for one in ended.failures] == ["undo of P"]
    assert lab.shop.story == ["A", "B", "P"] and lab.state() == "STUCK"
    lab.shop.faults = {}
    await lab.engine.release("s1", "retry")
    await moment()
    assert lab.shop.story == ["A", "B", "P", "p", "b", "a"] and lab.state() == "COMPENSATED"


@told
async def test_an_outer_undo_asked_for_by_hand_is_kept_back_by_an_inner_pivot_too(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        await saga.step("A", shop.A, compensate=shop.a)
        try:
            async with saga.scope():
                await saga.step("P", shop.P, compensate=shop.p, pivot=True, retry=ONCE)
        except CompensationFailed:
            try:
                await saga.compensate(on_stuck="continue")
            except CompensationFailed:
                return "manual"

    lab.shop.faults = {"P": ["lost"], "p": ["down*"]}
    assert await lab.run(saga) == "manual"
    assert lab.shop.story == ["A", "P"]


# ---- the pivot


@told
async def test_a_pivot_that_is_done_clears_every_undo_in_outer_scopes_too(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        await saga.step("A", shop.A, compensate=shop.a)
        async with saga.scope():
            await saga.step("B", shop.B, compensate=shop.b)
            await saga.step("P", shop.P, pivot=True)
        await saga.step("C", shop.C)

    lab.shop.faults = {"C": ["no"]}
    error = await lab.run(saga)
    assert isinstance(error, Refused) and lab.shop.story == ["A", "B", "P"]
    assert lab.state() == "STUCK" and lab.engine.dead_letters()[0].step == "C"


@told
async def test_compensate_after_the_pivot_is_an_error(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        await saga.step("A", shop.A, compensate=shop.a)
        await saga.step("P", shop.P, pivot=True)
        try:
            await saga.compensate()
        except PivotPassed:
            return "forward only"

    assert await lab.run(saga) == "forward only" and lab.shop.story == ["A", "P"]


@told
async def test_a_pivot_in_doubt_without_an_undo_counts_as_passed(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        await saga.step("A", shop.A, compensate=shop.a)
        await saga.step("P", shop.P, pivot=True, retry=ONCE)

    lab.shop.faults = {"P": ["lost"]}
    assert isinstance(await lab.run(saga), InDoubt)
    assert lab.shop.story == ["A", "P"] and lab.state() == "STUCK"


@told
async def test_a_pivot_that_is_refused_lets_the_saga_undo(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        await saga.step("A", shop.A, compensate=shop.a)
        await saga.step("P", shop.P, pivot=True)

    lab.shop.faults = {"P": ["no"]}
    assert isinstance(await lab.run(saga), Refused)
    assert lab.shop.story == ["A", "a"] and lab.state() == "COMPENSATED"


@told
async def test_a_second_pivot_that_is_refused_leaves_the_first_one_passed(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        await saga.step("A", shop.A, compensate=shop.a)
        await saga.step("P", shop.P, pivot=True)
        await saga.step("Q", shop.Q, pivot=True)

    lab.shop.faults = {"Q": ["no"]}
    assert isinstance(await lab.run(saga), Refused)
    assert lab.shop.story == ["A", "P"] and lab.state() == "STUCK"


# ---- cancelling


@told
async def test_a_cancel_during_a_call_leaves_it_in_doubt_and_undoes_it(lab: Lab) -> None:
    lab.shop.during = {"B": lambda: asyncio.sleep(5)}
    run = await lab.start(three)
    await asyncio.sleep(1)
    assert await lab.engine.cancel("s1")
    with pytest.raises(Cancelled):
        await run.result()
    assert lab.shop.story == ["A", "a"] and lab.shop.asked == ["A", "B", "b", "a"]
    assert lab.state() == "COMPENSATED"


@told
async def test_a_cancel_during_a_sleep_wakes_it(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        await saga.step("A", shop.A, compensate=shop.a)
        await saga.sleep(30 * DAY)

    run = await lab.start(saga)
    await asyncio.sleep(1)
    assert lab.state() == "WAITING" and await lab.engine.cancel("s1")
    with pytest.raises(Cancelled):
        await run.result()
    assert lab.shop.story == ["A", "a"] and asyncio.get_running_loop().time() < 2


@told
async def test_a_cancel_during_a_promise_ends_the_wait(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        await saga.step("A", shop.A, compensate=shop.a)
        await saga.promise("approval")

    run = await lab.start(saga)
    await asyncio.sleep(1)
    assert await lab.engine.cancel("s1")
    with pytest.raises(Cancelled):
        await run.result()
    assert lab.shop.story == ["A", "a"]


@told
async def test_a_saga_that_catches_its_cancel_has_the_last_word_after_the_undos(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        await saga.step("A", shop.A, compensate=shop.a)
        try:
            await saga.sleep(DAY)
        except Cancelled:
            await saga.step("log", shop.L)
            return "stopped"

    run = await lab.start(saga)
    await asyncio.sleep(1)
    await lab.engine.cancel("s1")
    assert await run.result() == "stopped"
    assert lab.shop.story == ["A", "L", "a"] and lab.state() == "COMPENSATED"


@told
async def test_a_caught_cancel_is_raised_at_the_same_place_on_replay(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        await saga.step("A", shop.A, compensate=shop.a)
        try:
            await saga.step("B", shop.B, compensate=shop.b)
        except Cancelled:
            await saga.step("log", shop.L)
            return "stopped"

    lab.shop.during = {"B": lambda: asyncio.sleep(5)}
    lab.shop.faults = {"L": ["die"]}
    run = await lab.start(saga)
    await asyncio.sleep(1)
    await lab.engine.cancel("s1")
    with pytest.raises(BaseException):  # noqa: B017, PT011 - the worker died
        await run.result()
    engine = await lab.restart(saga)
    assert await engine.get("s1").result() == "stopped"
    assert lab.shop.story == ["A", "L", "a"]


@told
async def test_from_the_pivots_intent_on_a_cancel_is_too_late(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        await saga.step("A", shop.A, compensate=shop.a)
        await saga.step("P", shop.P, pivot=True)
        return "done"

    lab.shop.during = {"P": lambda: asyncio.sleep(5)}
    run = await lab.start(saga)
    await asyncio.sleep(1)
    assert not await lab.engine.cancel("s1")
    assert await run.result() == "done" and lab.shop.story == ["A", "P"]
    assert not await lab.engine.cancel("s1")


# ---- time and people


@told
async def test_a_sleep_ends_when_it_would_have_whatever_crashes(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        began = saga.now()
        await saga.sleep(30 * DAY)
        return saga.now() - began

    await lab.start(saga)
    await asyncio.sleep(29 * DAY)
    engine = await lab.restart(saga)
    assert await engine.get("s1").result() == pytest.approx(30 * DAY)


@told
async def test_a_promise_is_kept_when_the_answer_comes_first(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        await saga.step("A", shop.A)
        return await saga.promise("approval", bool, timeout=DAY)

    lab.shop.during = {"A": lambda: asyncio.sleep(5)}
    run = await lab.start(saga)
    await lab.engine.resolve("s1", "approval", True)
    assert await run.result() is True


@told
async def test_the_first_answer_wins_and_a_later_one_gets_a_conflict(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        return await saga.promise("approval")

    run = await lab.start(saga)
    await moment()
    await lab.engine.resolve("s1", "approval", "yes")
    with pytest.raises(Conflict):
        await lab.engine.resolve("s1", "approval", "no")
    assert await run.result() == "yes"


@pytest.mark.parametrize(("when", "answered"), [(9.5, True), (10.0, False), (10.5, False)])
def test_the_deadline_wins_a_tie(when: float, answered: bool) -> None:
    @told
    async def story(lab: Lab) -> None:
        async def saga(saga, order: Order, shop):
            try:
                return await saga.promise("approval", timeout=10)
            except TimedOut:
                await saga.sleep(60)
                return "too late"

        run = await lab.start(saga)
        await asyncio.sleep(when)
        if answered:
            await lab.engine.resolve("s1", "approval", "yes")
        else:
            with pytest.raises(Conflict):
                await lab.engine.resolve("s1", "approval", "yes")
        assert await run.result() == ("yes" if answered else "too late")

    story()


@told
async def test_a_deadline_runs_from_the_start_of_the_wait_across_a_crash(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        began = saga.now()
        try:
            await saga.promise("approval", timeout=30 * DAY)
        except TimedOut:
            return saga.now() - began

    await lab.start(saga)
    await asyncio.sleep(29 * DAY)
    engine = await lab.restart(saga)
    assert await engine.get("s1").result() == pytest.approx(30 * DAY)


@told
async def test_a_rejected_promise_is_raised_as_a_refusal(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        await saga.promise("approval")

    run = await lab.start(saga)
    await moment()
    await lab.engine.reject("s1", "approval", "the office burned down")
    with pytest.raises(Refused, match="burned down"):
        await run.result()


@told
async def test_an_answer_for_an_unknown_saga_is_an_error_that_says_so(lab: Lab) -> None:
    with pytest.raises(LookupError, match="no saga 'nobody'"):
        await lab.engine.resolve("nobody", "approval", 1)


# ---- ids, replay, recovery


@told
async def test_the_same_id_and_request_give_the_recorded_result(lab: Lab) -> None:
    assert await lab.run(three) == await lab.run(three)
    assert lab.shop.asked == ["A", "B", "C"]


@told
async def test_the_same_id_with_another_request_is_a_conflict(lab: Lab) -> None:
    await lab.run(three)
    with pytest.raises(Conflict, match="another request"):
        await lab.engine.start(three, Order(amount=11), lab.shop, id="s1")


@told
async def test_two_workers_over_one_journal_run_a_saga_once(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        return await saga.step("A", shop.A, timeout=200)

    lab.shop.during = {"A": lambda: asyncio.sleep(100)}
    first = await lab.start(saga)
    other = type(lab.engine)(lab.journal, clock=lab.engine.clock)
    other.register(saga, lab.shop)
    await asyncio.sleep(50)
    await other.recover()
    assert await other.get("s1").result() == await first.result()
    assert lab.shop.asked == ["A"]


@told
async def test_a_replay_that_takes_another_way_is_parked_and_calls_nothing(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        return await saga.step("B", shop.B)

    async def before(saga, order: Order, shop):
        await saga.step("A", shop.A)
        await saga.step("B", shop.B)

    before.__name__ = "saga"
    lab.shop.faults = {"B": ["crash"]}
    await lab.run(before)
    asked = list(lab.shop.asked)
    engine = await lab.restart(saga)
    with pytest.raises(NotDeterministic, match="step A 1"):
        await engine.get("s1").result()
    assert lab.shop.asked == asked and lab.state() == "STUCK"


@told
async def test_a_replay_with_other_arguments_is_named(lab: Lab) -> None:
    calls = []

    async def saga(saga, order: Order, shop):
        calls.append(1)
        await saga.step("A", shop.A, len(calls))
        await saga.step("B", shop.B)

    lab.shop.faults = {"B": ["crash"]}
    await lab.run(saga)
    engine = await lab.restart(saga)
    with pytest.raises(NotDeterministic, match=r"\[2\] instead of \[1\]"):
        await engine.get("s1").result()


@told
async def test_recoveries_without_progress_are_bounded_then_parked(lab: Lab) -> None:
    lab.shop.faults = {"B": ["crash*"]}
    await lab.run(three)
    for _ in range(20):
        engine = await lab.restart(three)
        await moment()
    assert lab.state() == "STUCK" and lab.shop.asked.count("B") < 15
    assert "died" in engine.dead_letters()[0].reason


@told
async def test_a_crash_while_the_kernel_undoes_an_error_is_no_other_way(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        await saga.step("A", shop.A, compensate=shop.a)
        await saga.step("B", shop.B)

    lab.shop.faults = {"B": ["no"], "a": ["die"]}
    await lab.run(saga)
    engine = await lab.restart(saga)
    with pytest.raises(Refused):
        await engine.get("s1").result()
    assert lab.shop.story == ["A", "a"] and engine.get("s1").state == "COMPENSATED"


@told
async def test_an_attempt_that_a_crash_cut_off_does_not_count(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        try:
            await saga.step("A", shop.A, retry=Retry(attempts=3))
        except StepFailed as failure:
            return failure.attempts

    lab.shop.faults = {"A": ["down", "crash", "down", "down", "down"]}
    await lab.run(saga)
    engine = await lab.restart(saga)
    assert await engine.get("s1").result() == 3 and lab.shop.asked == ["A"] * 4


@told
async def test_the_error_comes_back_after_a_restart_with_type_text_step_key_and_attempts(lab: Lab) -> None:
    lab.shop.faults = {"B": ["no"]}
    first = await lab.run(three)
    engine = await lab.restart(three)
    with pytest.raises(Refused) as again:
        await engine.get("s1").result()
    assert vars(again.value) == vars(first) and str(again.value) == str(first)


# ---- values


@told
async def test_values_are_the_same_on_every_replay(lab: Lab) -> None:
    seen = []

    async def saga(saga, order: Order, shop):
        seen.append((saga.now(), saga.uuid(), saga.uuid(), saga.random()))
        await saga.step("A", shop.A)

    lab.shop.faults = {"A": ["crash"]}
    await lab.run(saga)
    engine = await lab.restart(saga)
    await engine.get("s1").result()
    first, second = seen
    assert first == second and first[1] != first[2] and 0 <= first[3] < 1


@told
async def test_what_cannot_be_written_to_a_journal_is_refused_by_name(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        await saga.step("A", shop.A, object())

    error = await lab.run(saga)
    assert isinstance(error, TypeError) and "step 'A'" in str(error) and lab.shop.asked == []
    with pytest.raises(TypeError, match="the request of saga"):
        await lab.engine.start(saga, object(), id="s2")


@told
async def test_a_value_that_cannot_be_written_leaves_the_step_in_doubt(lab: Lab) -> None:
    async def action(key: str) -> object:
        return object()

    async def saga(saga, order: Order, shop):
        await saga.step("A", action, compensate=shop.a)

    error = await lab.run(saga)
    assert isinstance(error, InDoubt) and "the value of step 'A'" in str(error)
    assert lab.shop.asked == ["a"]


@told
async def test_a_step_name_with_a_slash_is_refused(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        await saga.step("A/B", shop.A)

    assert isinstance(await lab.run(saga), ValueError) and lab.shop.asked == []


@told
async def test_steps_still_running_when_the_function_returns_are_reported(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        task = asyncio.ensure_future(saga.step("A", shop.A, compensate=shop.a))
        await asyncio.sleep(1)
        return task.done()

    lab.shop.during = {"A": lambda: asyncio.sleep(10)}
    error = await lab.run(saga)
    assert isinstance(error, RuntimeError) and "steps A were still running" in str(error)
    assert lab.shop.asked == ["A", "a"]


# ---- letters, observers, stories


@told
async def test_a_letter_of_the_sagas_own_is_written_once_even_over_a_crash(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        try:
            await saga.step("M", shop.M)
        except StepFailed:
            saga.park("send it by hand")
        await saga.step("B", shop.B)
        return "done"

    lab.shop.faults = {"M": ["no"], "B": ["crash"]}
    await lab.run(saga)
    engine = await lab.restart(saga)
    assert await engine.get("s1").result() == "done" and lab.state() == "COMPLETED"
    (letter,) = engine.dead_letters()
    assert (letter.reason, letter.step, letter.key) == ("send it by hand", "M", "s1/M")


@told
async def test_the_kernel_parks_a_stuck_undo_and_the_saga_adds_no_second_letter(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        try:
            await three(saga, order, shop)
        except StepFailed:
            try:
                await saga.compensate()
            except CompensationFailed as stuck:
                saga.park("undo it by hand", stuck.failures[0])
                return "manual"

    lab.shop.faults = {"C": ["no"], "b": ["no"]}
    assert await lab.run(saga) == "manual" and len(lab.engine.dead_letters()) == 1


@told
async def test_an_observer_sees_every_event_and_can_break_nothing(lab: Lab) -> None:
    seen = []

    def observer(event):
        seen.append(event)
        raise RuntimeError("observers fail")

    lab.engine = type(lab.engine)(lab.journal, clock=lab.engine.clock, observers=[observer])
    await lab.run(three)
    assert seen == list(lab.engine.get("s1").events) and lab.state() == "COMPLETED"


@told
async def test_a_stream_gives_history_then_what_happens_and_ends(lab: Lab) -> None:
    lab.shop.during = {"B": lambda: asyncio.sleep(10)}
    await lab.start(three)
    await asyncio.sleep(1)
    events = [event async for event in lab.engine.stream("s1")]
    assert events == list(lab.engine.get("s1").events)


@told
async def test_every_event_is_explained_in_one_sentence(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        saga.now()
        await saga.sleep(1)
        try:
            await saga.promise("p", timeout=1)
        except TimedOut:
            saga.park("look at this")
        await three(saga, order, shop)

    lab.shop.faults = {"B": ["lost", "die"], "C": ["no"], "b": ["down", "no"]}
    await lab.run(saga)
    engine = await lab.restart(saga)
    with pytest.raises(CompensationFailed):
        await engine.get("s1").result()
    sentences = explain(engine.get("s1").events)
    assert len(sentences) == len(engine.get("s1").events)
    assert all(sentence.endswith(".") and "\n" not in sentence for sentence in sentences)


@told
async def test_the_fold_of_the_same_events_is_the_same(lab: Lab) -> None:
    await lab.run(three)
    events = lab.engine.get("s1").events
    assert fold(events) == fold(list(events))


@told
async def test_side_by_side_a_cancel_undoes_all_branches(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        await saga.gather(
            saga.step("A", shop.A, compensate=shop.a),
            saga.step("B", shop.B, compensate=shop.b),
        )

    lab.shop.during = {"A": lambda: asyncio.sleep(5), "B": lambda: asyncio.sleep(5)}
    run = await lab.start(saga)
    await asyncio.sleep(1)
    assert await lab.engine.cancel("s1")
    with pytest.raises(Cancelled):
        await run.result()
    assert lab.shop.asked == ["A", "B", "b", "a"] and lab.shop.live == {}


@told
async def test_a_cancel_cuts_off_the_branches_in_the_order_in_which_they_began(lab: Lab) -> None:
    names = [f"N{number}" for number in range(30)]
    cut: list[str] = []

    def hang(name: str):
        async def call(key: str) -> None:
            try:
                await asyncio.sleep(DAY)
            finally:
                cut.append(name)

        return call

    async def saga(saga, order: Order, shop):
        await saga.gather(*(saga.step(name, hang(name), timeout=None) for name in names))

    run = await lab.start(saga)
    await asyncio.sleep(1)
    await lab.engine.cancel("s1")
    with pytest.raises(Cancelled):
        await run.result()
    assert cut == names


@told
async def test_sleeps_in_branches_keep_their_own_place_over_a_crash(lab: Lab) -> None:
    async def branch(saga, name, first, second, shop):
        await saga.sleep(first)
        await saga.step(f"{name}1", shop.A)
        await saga.sleep(second)
        return await saga.step(f"{name}2", shop.B)

    async def saga(saga, order: Order, shop):
        began = saga.now()
        await saga.gather(branch(saga, "x", 10, 500_000, shop), branch(saga, "y", 20, 600_000, shop))
        return saga.now() - began

    await lab.start(saga)
    await asyncio.sleep(1000)
    engine = await lab.restart(saga)
    assert await engine.get("s1").result() == pytest.approx(600_020)
    assert lab.shop.asked == ["A", "A", "B", "B"]
