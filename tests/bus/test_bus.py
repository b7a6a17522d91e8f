"""What the bus promises, told over a ledger: every event arrives, in order per key, and counts once."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from saga_lab import Retry
from saga_lab.bus import Consumer, Delivery, Event, SqlBroker, connect, forget, publish, relay, relay_once
from saga_lab.bus.tables import outbox
from tests.bus.conftest import quick
from tests.bus.town import HOUR, Death, Town, failing, notes, told, write

HANGS = 20
"""Seconds after which a background job that never does its work fails a test."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.getLogger("saga_lab.bus").disabled = True
    yield
    logging.getLogger("saga_lab.bus").disabled = False


def placed(key: str, data: object = None) -> Event:
    return Event("orders.placed", key, data)


# ---- publishing


@told
async def test_an_event_and_the_change_it_tells_of_are_there_together(town: Town) -> None:
    town.consumer("stock", orders_placed=notes("stock"))
    await town.open()
    with town.db.begin() as tx:
        write(tx, "order-1 was placed")
        publish(tx, placed("order-1", {"pieces": 2}))
    await town.settle()
    assert town.ledger == ["order-1 was placed", "stock: orders.placed order-1 {'pieces': 2}"]


@told
async def test_a_change_that_is_rolled_back_is_not_told(town: Town) -> None:
    town.consumer("stock", orders_placed=notes("stock"))
    await town.open()

    def place() -> None:
        with town.db.begin() as tx:
            write(tx, "order-1 was placed")
            publish(tx, placed("order-1"))
            raise Death

    with pytest.raises(Death):
        place()
    await town.settle()
    assert town.ledger == []


@told
async def test_data_that_is_not_plain_is_refused_by_name(town: Town) -> None:
    with town.db.begin() as tx, pytest.raises(TypeError, match=r"the data of event 'orders\.placed'"):
        publish(tx, placed("order-1", object()))


def test_data_comes_back_as_the_type_that_is_asked_for() -> None:
    assert placed("order-1", {"amount": 5}).read(dict[str, float]) == {"amount": 5.0}


@told
async def test_the_outbox_is_empty_once_all_is_sent(town: Town) -> None:
    town.publish(placed("order-1"), placed("order-2"))
    assert await relay_once(town.db, town.broker) == 2
    assert await relay_once(town.db, town.broker) == 0
    with town.db.connect() as reader:
        assert reader.execute(sa.select(outbox)).all() == []


# ---- hearing


@told
async def test_everybody_who_subscribed_hears_it_once_and_nobody_else(town: Town) -> None:
    town.consumer("stock", orders_placed=notes("stock"))
    town.consumer("mail", orders_placed=notes("mail"))
    town.consumer("audit", orders_cancelled=notes("audit"))
    await town.open()
    town.publish(placed("order-1"))
    await town.settle()
    assert sorted(town.ledger) == ["mail: orders.placed order-1 None", "stock: orders.placed order-1 None"]


@told
async def test_what_is_told_while_a_consumer_is_away_waits_for_it(town: Town) -> None:
    await town.consumer("stock", orders_placed=notes("stock")).subscribe()
    del town.consumers["stock"]
    town.publish(placed("order-1"))
    await town.settle()
    assert town.ledger == []
    town.consumer("stock", orders_placed=notes("stock"))
    await town.settle()
    assert town.ledger == ["stock: orders.placed order-1 None"]


@told
async def test_a_topic_that_lost_its_reaction_is_kept_no_more(town: Town) -> None:
    await town.consumer("stock", orders_placed=notes("stock")).subscribe()
    await town.consumer("stock", orders_cancelled=notes("stock")).subscribe()
    town.publish(placed("order-1"))
    await town.settle()
    assert town.ledger == [] and town.consumers["stock"].dead_letters() == []


@told
async def test_the_background_jobs_carry_an_event_to_its_reaction(town: Town) -> None:
    heard, loop = asyncio.Event(), asyncio.get_running_loop()

    def react(tx: sa.Connection, event: Event) -> None:
        loop.call_soon_threadsafe(heard.set)

    stock = town.consumer("stock", orders_placed=react)
    await stock.subscribe()
    town.publish(placed("order-1"))
    jobs = [asyncio.create_task(job) for job in (relay(town.db, town.broker, every=0), stock.run(every=0))]
    await asyncio.wait_for(heard.wait(), HANGS)
    for job in jobs:
        job.cancel()
    assert all(
        isinstance(ended, asyncio.CancelledError)
        for ended in await asyncio.gather(*jobs, return_exceptions=True)
    )


@told
async def test_a_broker_that_is_away_costs_nothing_but_time(town: Town) -> None:
    class Away(SqlBroker):
        calls = 0

        async def send(self, event: Event) -> None:
            self.calls += 1
            if self.calls == 1:
                raise ConnectionError("the broker is away")
            await super().send(event)
            arrived.set()

    arrived = asyncio.Event()
    town.consumer("stock", orders_placed=notes("stock"))
    await town.open()
    town.publish(placed("order-1"))
    job = asyncio.create_task(relay(town.db, Away(town.db, now=lambda: town.time), every=0))
    await asyncio.wait_for(arrived.wait(), HANGS)
    job.cancel()
    await town.settle()
    assert town.ledger == ["stock: orders.placed order-1 None"]


# ---- repeats


@told
async def test_an_event_that_is_sent_again_has_no_second_effect(town: Town) -> None:
    town.consumer("stock", orders_placed=notes("stock"))
    await town.open()
    event = placed("order-1")
    await town.broker.send(event)
    await town.settle()
    await town.broker.send(event)
    await town.settle()
    assert town.ledger == ["stock: orders.placed order-1 None"]


@told
async def test_what_was_seen_is_remembered_until_it_is_forgotten(town: Town) -> None:
    town.consumer("stock", orders_placed=notes("stock"))
    await town.open()
    event = placed("order-1")
    await town.broker.send(event)
    await town.settle()
    assert forget(town.db, before=0) == 0
    await town.broker.send(event)
    await town.settle()
    assert len(town.ledger) == 1 and forget(town.db, before=math.inf) == 1
    await town.broker.send(event)
    await town.settle()
    assert len(town.ledger) == 2


@told
async def test_a_worker_that_was_too_slow_has_no_second_effect(town: Town) -> None:
    class Slow(SqlBroker):
        async def receive(self, consumer: str) -> Delivery | None:
            delivery = await super().receive(consumer)
            town.time += HOUR
            await quick.take_once()
            return delivery

    quick = town.consumer("stock", orders_placed=notes("quick"))
    slow = Consumer("stock", town.db, Slow(town.db, now=lambda: town.time))
    slow.on("orders.placed")(notes("slow"))
    await town.open()
    await town.broker.send(placed("order-1"))
    assert await slow.take_once()
    await town.settle()
    assert town.ledger == ["quick: orders.placed order-1 None"]


@told
async def test_two_workers_of_one_name_share_the_events_and_never_the_events_of_one_key(town: Town) -> None:
    await town.consumer("stock", orders_placed=notes("stock")).subscribe()
    for key in ("order-1", "order-1", "order-2"):
        await town.broker.send(placed(key))
    held = [await town.broker.receive("stock") for _ in range(3)]
    assert [delivery and delivery.event.key for delivery in held] == ["order-1", "order-2", None]


def chain(town: Town) -> None:
    """Three services, each of which does something and tells the next."""

    def pay(tx: sa.Connection, event: Event) -> None:
        write(tx, f"{event.key} is paid")
        publish(tx, Event("payments.taken", event.key))

    def pack(tx: sa.Connection, event: Event) -> None:
        write(tx, f"{event.key} is packed")
        publish(tx, Event("parcels.packed", event.key))

    town.consumer("payments", orders_placed=pay)
    town.consumer("stock", payments_taken=pack)
    town.consumer("mail", parcels_packed=lambda tx, event: write(tx, f"{event.key} is told"))


def test_a_process_that_dies_at_any_statement_or_commit_leaves_the_same_ledger(db: sa.Engine) -> None:
    """Every place in turn: also between an effect and its note, a sending and its mark."""
    left = [10**6]

    def die_at_zero(*_: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Death

    async def story(key: str) -> bool:
        """True when the process died on the way."""
        town = Town(db)
        chain(town)
        await town.open()
        town.publish(placed(key))
        left[0] = place
        try:
            await town.settle()
            return False
        except Death:
            after = Town(db)
            chain(after)
            after.time = town.time + HOUR
            await after.settle()
            return True
        finally:
            left[0] = 10**6

    sa.event.listen(db, "before_cursor_execute", die_at_zero)
    sa.event.listen(db, "commit", die_at_zero)
    place, keys = 1, list[str]()
    while asyncio.run(story(f"order-{place}")):
        keys.append(f"order-{place}")
        place += 1
    assert len(keys) > 40
    assert Town(db).ledger == [
        f"{key} is {what}" for key in [*keys, f"order-{place}"] for what in ("paid", "packed", "told")
    ]


# ---- order, failures and poison


def impatient(tx: sa.Connection) -> None:
    """Give up at once where one would wait for another transaction."""
    patience = (
        "SET LOCAL lock_timeout = '1ms'" if tx.dialect.name == "postgresql" else "PRAGMA busy_timeout = 0"
    )
    tx.execute(sa.text(patience))


def test_who_publishes_about_a_key_waits_for_whoever_did_before(db: sa.Engine) -> None:
    """Else the later event could be seen, and sent, before the earlier one."""
    Town(db)
    with db.begin() as first, db.connect() as second:
        publish(first, placed("order-1"))
        impatient(second)
        with pytest.raises(sa.exc.OperationalError, match="lock"):
            publish(second, placed("order-1"))


@told
async def test_a_failing_event_holds_back_its_own_key_alone(town: Town) -> None:
    town.consumer("stock", orders_placed=failing(1, notes("stock")))
    await town.open()
    town.publish(placed("order-1", "first"), placed("order-1", "second"), placed("order-2", "other"))
    await town.settle()
    assert town.ledger == [
        "stock: orders.placed order-2 other",
        "stock: orders.placed order-1 first",
        "stock: orders.placed order-1 second",
    ]


@told
async def test_a_poisonous_event_becomes_a_dead_letter_and_its_key_goes_on(town: Town) -> None:
    def react(tx: sa.Connection, event: Event) -> None:
        notes("stock")(tx, event)
        if event.data == "poison":
            raise ValueError("cannot take that")

    stock = town.consumer("stock", orders_placed=react)
    await town.open()
    poison = placed("order-1", "poison")
    town.publish(poison, placed("order-1", "food"))
    await town.settle()
    assert town.ledger == ["stock: orders.placed order-1 food"]
    (letter,) = stock.dead_letters()
    assert (letter.event, letter.attempts, letter.reason) == (poison, 5, "ValueError: cannot take that")


@told
async def test_an_event_that_kills_each_worker_becomes_a_dead_letter(town: Town) -> None:
    stock = town.consumer("stock", orders_placed=failing(100, notes("stock"), Death))
    await town.open()
    await town.broker.send(placed("order-1"))
    for _ in range(5):
        with pytest.raises(Death):
            await town.settle()
    await town.settle()
    assert town.ledger == []
    assert [(letter.attempts, letter.event.key) for letter in stock.dead_letters()] == [(5, "order-1")]


@told
async def test_a_dead_letter_is_released_once(town: Town) -> None:
    stock = town.consumer("stock", orders_placed=failing(6, notes("stock")))
    await town.open()
    event = placed("order-1")
    town.publish(event)
    await town.settle()
    with pytest.raises(RuntimeError, match="not now"):
        stock.release(event.id)
    assert len(stock.dead_letters()) == 1 and town.ledger == []
    stock.release(event.id)
    assert stock.dead_letters() == [] and town.ledger == ["stock: orders.placed order-1 None"]
    with pytest.raises(LookupError, match="stock has no dead letter"):
        stock.release(event.id)


@told
async def test_an_event_without_a_reaction_is_a_dead_letter_not_a_loss(town: Town) -> None:
    await town.consumer("stock", orders_placed=notes("stock")).subscribe()
    await town.broker.send(placed("order-1"))
    stock = town.consumer("stock", orders_cancelled=notes("stock"))
    await town.settle()
    (letter,) = stock.dead_letters()
    assert "stock has no reaction to 'orders.placed' any more" in letter.reason


@told
async def test_a_database_that_is_away_uses_up_no_delivery(town: Town) -> None:
    stock = town.consumer("stock", orders_placed=notes("stock"))
    await town.open()
    await town.broker.send(placed("order-1"))
    lost = Consumer("stock", sa.create_engine("sqlite:////nowhere/at/all.db"), town.broker)
    for _ in range(10):
        with pytest.raises(sa.exc.OperationalError):
            await lost.take_once()
    delivery = await town.broker.receive("stock")
    assert delivery is not None and delivery.nth == 1 and stock.dead_letters() == []


FAULTS = st.sampled_from(["well", "fails", "dies"])


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.lists(FAULTS, max_size=4)), max_size=8))
def test_whatever_fails_each_key_is_heard_in_order_and_once(
    tmp_path_factory: pytest.TempPathFactory, story: list[tuple[str, list[str]]]
) -> None:
    db = quick(f"sqlite:///{tmp_path_factory.mktemp('town') / 'town.db'}")
    plans = {number: list(plan) for number, (_, plan) in enumerate(story)}

    def react(tx: sa.Connection, event: Event) -> None:
        write(tx, f"{event.key}{event.data}")
        plan = plans[event.data]
        fault = plan.pop(0) if plan else "well"
        if fault != "well":
            raise Death if fault == "dies" else RuntimeError(fault)

    async def play() -> list[str]:
        town = Town(db)
        town.consumer("ear", orders_placed=react)
        await town.open()
        town.publish(*(placed(key, number) for number, (key, _) in enumerate(story)))
        while True:
            try:
                await town.settle()
                return town.ledger
            except Death:
                continue

    heard = asyncio.run(play())
    db.dispose()
    for key in "abc":
        assert [line for line in heard if line[0] == key] == [
            f"{key}{number}" for number, (other, _) in enumerate(story) if other == key
        ]


# ---- by URL


def test_a_broker_is_found_by_its_url(tmp_path) -> None:
    assert isinstance(connect(f"sqlite:///{tmp_path / 'bus.db'}"), SqlBroker)
    with pytest.raises(ValueError, match="no broker speaks 'kafka'"):
        connect("kafka://localhost")


@told
async def test_the_budget_of_a_consumer_can_be_chosen(town: Town) -> None:
    once = Consumer("stock", town.db, town.broker, Retry(attempts=1))
    once.on("orders.placed")(failing(1, notes("stock")))
    await once.subscribe()
    await town.broker.send(placed("order-1"))
    assert await once.take_once() and not await once.take_once()
    assert len(once.dead_letters()) == 1
