"""Several workers over one journal: who runs what, who is told, who goes on."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from saga_lab import (
    Cancelled,
    CompensationFailed,
    Engine,
    InDoubt,
    JournalError,
    MemoryJournal,
    Refused,
    Retry,
    StepFailed,
)
from tests.kernel.lab import DAY, Lab, Order, moment, told

pytestmark = pytest.mark.usefixtures("each_journal")


async def three(saga, order: Order, shop):
    await saga.step("A", shop.A, compensate=shop.a)
    await saga.step("B", shop.B, compensate=shop.b, timeout=None)
    return await saga.step("C", shop.C, compensate=shop.c)


@told
async def test_a_cancel_at_another_engine_reaches_the_worker_within_a_second(lab: Lab) -> None:
    lab.shop.during = {"B": lambda: asyncio.sleep(DAY)}
    run = await lab.start(three)
    await moment()
    assert await lab.colleague().cancel("s1")
    with pytest.raises(Cancelled):
        await run.result()
    assert lab.shop.asked == ["A", "B", "b", "a"] and asyncio.get_running_loop().time() < 1


@told
async def test_an_answer_at_another_engine_reaches_the_worker(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        return await saga.promise("approval", bool)

    run = await lab.start(saga)
    await moment()
    await lab.colleague().resolve("s1", "approval", True)
    assert await run.result() is True and asyncio.get_running_loop().time() < 1


@told
async def test_a_cancel_between_two_attempts_is_heard(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        await saga.step("A", shop.A, compensate=shop.a)

    async def cancel() -> None:
        await lab.engine.cancel("s1")

    lab.shop.during, lab.shop.faults = {"A": cancel}, {"A": ["lost*"]}
    assert isinstance(await lab.run(saga), Cancelled)
    assert lab.shop.asked == ["A", "a"] and lab.state() == "COMPENSATED"


@told
async def test_a_closed_engine_hands_its_sagas_over_at_once(lab: Lab) -> None:
    lab.shop.during = {"B": lambda: asyncio.sleep(100)}
    await lab.start(three)
    await asyncio.sleep(1)
    other = lab.colleague(three)
    await other.recover()
    assert lab.shop.asked == ["A", "B"], "the first worker lives and holds its lease"
    await lab.engine.close()
    await other.recover()
    assert await other.get("s1").result() == "C-s1/C"
    assert lab.shop.story == ["A", "B", "C"] and asyncio.get_running_loop().time() < 200


@told
async def test_a_worker_recovers_for_ever_until_it_is_stopped(lab: Lab) -> None:
    lab.shop.faults = {"B": ["crash"]}
    await lab.run(three)
    async with lab.colleague(three) as worker:
        job = asyncio.ensure_future(worker.recover_forever(every=60))
        await asyncio.sleep(10)
        assert lab.shop.asked == ["A", "B"], "the lease of the dead worker has not run out"
        await asyncio.sleep(60)
        assert lab.state() == "COMPLETED"
        job.cancel()
    assert lab.shop.story == ["A", "B", "C"]


@told
async def test_recovery_outlives_a_journal_that_is_away_for_a_while(lab: Lab) -> None:
    lab.shop.faults = {"B": ["crash"]}
    await lab.run(three)
    worker, away = lab.colleague(three), [True, True]
    claim = lab.journal.claim

    async def failing(*args):
        if away:
            away.pop()
            raise JournalError("the disk is away")
        return await claim(*args)

    lab.journal.claim = failing
    job = asyncio.ensure_future(worker.recover_forever(every=60))
    await asyncio.sleep(300)
    job.cancel()
    assert lab.state() == "COMPLETED"


def test_a_worker_stops_on_sigterm_and_hands_over() -> None:
    """As the documentation of `recover_forever` says, on a real loop."""
    journal, asked = MemoryJournal(), []

    async def wait(key: str) -> None:
        asked.append(key)
        if len(asked) == 1:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()

    async def saga(saga, order: Order):
        await saga.step("A", wait)
        return "done"

    async def main() -> None:
        async with Engine(journal) as engine:
            task = asyncio.current_task()
            assert task is not None
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
            await engine.start(saga, Order(), id="s1")
            await engine.recover_forever()

    async def other() -> str:
        async with Engine(journal) as engine:
            engine.register(saga)
            await engine.recover()
            return await engine.get("s1").result()

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
    assert asyncio.run(other()) == "done" and asked == ["s1/A", "s1/A"]


@told
async def test_sagas_are_listed_by_state_name_and_age(lab: Lab) -> None:
    async def other(saga, order: Order, shop):
        await saga.promise("approval")

    await lab.run(three, "s1")
    await asyncio.sleep(DAY)
    await lab.run(three, "s2")
    await lab.start(other, "s3")
    lab.shop.faults = {"C": ["no*"], "b": ["down", "down*"]}
    await lab.run(three, "s4")
    lab.shop.faults.pop("b")
    await lab.run(three, "s5")
    await moment()

    def ids(**what) -> list[str]:
        return [run.id for run in lab.engine.list(**what)]

    assert ids() == ["s1", "s2", "s3", "s4", "s5"]
    assert ids(state="STUCK") == ["s4"] and ids(state="COMPENSATED") == ["s5"]
    assert ids(state="COMPLETED") == ["s1", "s2"] and ids(state="WAITING") == ["s3"]
    assert ids(name="other") == ["s3"] and ids(name="three", older_than=3600) == ["s1"]


# ---- what left a saga, in another process


@told
async def test_a_failed_compensation_comes_back_with_its_failures_and_its_original(lab: Lab) -> None:
    lab.shop.faults = {"C": ["no"], "b": ["down*"]}
    first = await lab.run(three)
    engine = await lab.restart(three)
    with pytest.raises(CompensationFailed) as again:
        await engine.get("s1").result()
    assert str(again.value) == str(first)
    assert [vars(error) for error in again.value.failures] == [vars(error) for error in first.failures]
    assert type(again.value.original) is Refused and vars(again.value.original) == vars(first.original)
    assert again.value.__cause__ is again.value.original


@told
async def test_an_error_comes_back_with_what_it_was_raised_from(lab: Lab) -> None:
    lab.shop.faults = {"B": ["lost*"]}
    first = await lab.run(three)
    engine = await lab.restart(three)
    with pytest.raises(InDoubt) as again:
        await engine.get("s1").result()
    assert type(again.value.__cause__) is ConnectionError
    assert str(again.value.__cause__) == str(first.__cause__) == "the reply was lost"


@told
async def test_a_step_that_failed_has_the_same_cause_on_replay(lab: Lab) -> None:
    async def saga(saga, order, shop):
        try:
            await saga.step("A", shop.A, retry=Retry(attempts=1))
        except StepFailed as failed:
            await saga.step("log", shop.L, f"{type(failed.__cause__).__name__}: {failed.__cause__}")
        return await saga.step("B", shop.B)

    lab.shop.faults = {"A": ["lost"], "B": ["crash"]}
    await lab.run(saga)
    await lab.restart(saga)
    assert await lab.run(saga) == "B-s1/B" and lab.shop.asked == ["A", "L", "B", "B"]


@pytest.mark.parametrize(
    "error", [KeyError("typo"), ValueError("a", 1), OSError(2, "no file"), RuntimeError()]
)
def test_a_mistake_comes_back_with_its_type_and_text(error: Exception) -> None:
    @told
    async def story(lab: Lab) -> None:
        async def saga(saga, order: Order, shop):
            raise error

        assert await lab.run(saga) is error
        engine = await lab.restart(saga)
        with pytest.raises(type(error)) as again:
            await engine.get("s1").result()
        assert str(again.value) == str(error)

    story()


@told
async def test_undos_of_an_error_that_left_the_saga_go_on_after_a_crash(lab: Lab) -> None:
    lab.shop.faults = {"C": ["no"], "b": ["crash"], "a": ["die"]}
    await lab.run(three)
    await lab.restart(three)
    await moment()
    engine = await lab.restart(three)
    with pytest.raises(StepFailed):
        await engine.get("s1").result()
    assert lab.shop.live == {} and lab.state() == "COMPENSATED"
