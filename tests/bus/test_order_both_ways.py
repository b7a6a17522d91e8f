"""One order, two ways: a saga that tells everybody what to do, and services that listen to each other.

Both run over the same books. The saga is one function that a person can read; the events need nobody in
charge, and the flow is what the reactions add up to. Whoever must undo learns of it by an event, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa

from saga_lab import Engine, MemoryJournal, Refused, SagaContext, StepFailed
from saga_lab.bus import Consumer, Event, Reaction, publish
from saga_lab.worlds.shop import Item, OrderRequest
from tests.bus import sql_shop as shop
from tests.bus.town import Town, failing

ORDER = OrderRequest("order-1", "cust-123", [Item("ITEM-001", 2), Item("ITEM-002", 1)], 9999)
TOO_MANY = OrderRequest("order-1", "cust-123", [Item("ITEM-001", 11)], 9999)


# ---- orchestrated


class Shop:
    """The services as a saga calls them: a transaction for each call."""

    def __init__(self, db: sa.Engine, refuses: bool) -> None:
        self._db = db
        self._refuses = refuses

    def __getattr__(self, operation: str) -> Callable[..., Awaitable[None]]:
        async def call(key: str, *args: Any) -> None:
            more = (self._refuses,) if operation == "ship" else ()
            with self._db.begin() as tx:
                getattr(shop, operation)(tx, key, *args, *more)

        return call


async def order_saga(saga: SagaContext, order: OrderRequest, services: Shop) -> str:
    def release(key: str) -> Awaitable[None]:
        return services.release(key, order.items)

    try:
        await saga.step(
            "charge", services.charge, order.customer_id, order.amount, compensate=services.refund
        )
        await saga.step("reserve", services.reserve, order.items, compensate=release)
        await saga.step(
            "ship", services.ship, order.order_id, compensate=services.cancel_shipment, pivot=True
        )
    except StepFailed:
        await saga.compensate()
        return "failed"
    await saga.step("mail", services.send_mail, order.customer_id)
    return "completed"


async def orchestrate(db: sa.Engine, order: OrderRequest, refuses: bool) -> str:
    run = await Engine(MemoryJournal()).start(order_saga, order, Shop(db, refuses), id=order.order_id)
    return await run.result()


# ---- choreographed


class Troubled(Consumer):
    """Each of its reactions is rolled back twice before it holds."""

    def on(self, topic: str) -> Callable[[Reaction], Reaction]:
        keep = super().on(topic)
        return lambda react: keep(failing(2, react))


def choreography(town: Town, kind: type[Consumer], refuses: bool) -> list[str]:
    """Four services that know topics, not each other. Gives the list in which the end will be told."""
    told: list[str] = []
    for name in ("payments", "inventory", "shipping", "mail", "ears"):
        town.consumers[name] = kind(name, town.db, town.broker)
    payments, inventory, shipping, mail, ears = town.consumers.values()

    def order(event: Event) -> OrderRequest:
        return event.read(OrderRequest)

    @payments.on("orders.placed")
    def charge(tx: sa.Connection, event: Event) -> None:
        shop.charge(tx, f"{event.key}/charge", order(event).customer_id, order(event).amount)
        publish(tx, Event("payments.taken", event.key, event.data))

    @inventory.on("payments.taken")
    def reserve(tx: sa.Connection, event: Event) -> None:
        save = tx.begin_nested()
        try:
            shop.reserve(tx, f"{event.key}/reserve", order(event).items)
            publish(tx, Event("stock.reserved", event.key, event.data))
        except Refused:
            save.rollback()
            publish(tx, Event("stock.refused", event.key, event.data))

    @shipping.on("stock.reserved")
    def ship(tx: sa.Connection, event: Event) -> None:
        try:
            shop.ship(tx, f"{event.key}/ship", order(event).order_id, refuses)
            publish(tx, Event("parcels.shipped", event.key, event.data))
        except Refused:
            publish(tx, Event("parcels.refused", event.key, event.data))

    @inventory.on("parcels.refused")
    def release(tx: sa.Connection, event: Event) -> None:
        shop.release(tx, f"{event.key}/reserve", order(event).items)
        publish(tx, Event("stock.refused", event.key, event.data))

    @payments.on("stock.refused")
    def refund(tx: sa.Connection, event: Event) -> None:
        shop.refund(tx, f"{event.key}/charge")
        publish(tx, Event("orders.failed", event.key))

    @mail.on("parcels.shipped")
    def send(tx: sa.Connection, event: Event) -> None:
        shop.send_mail(tx, f"{event.key}/mail", order(event).customer_id)
        publish(tx, Event("orders.completed", event.key))

    for topic in ("orders.failed", "orders.completed"):
        ears.on(topic)(lambda tx, event: told.append(event.topic.removeprefix("orders.")))
    return told


async def choreograph(db: sa.Engine, order: OrderRequest, refuses: bool, kind: type[Consumer]) -> str:
    town = Town(db)
    told = choreography(town, kind, refuses)
    await town.open()
    town.publish(Event("orders.placed", order.order_id, order))
    await town.settle()
    return told[-1]


CASES = [
    pytest.param(ORDER, False, "completed", id="all is well"),
    pytest.param(TOO_MANY, False, "failed", id="too few on the shelf"),
    pytest.param(ORDER, True, "failed", id="the carrier refuses"),
]


@pytest.mark.parametrize(("order", "refuses", "status"), CASES)
@pytest.mark.parametrize("kind", [Consumer, Troubled])
def test_an_order_leaves_the_same_books_orchestrated_or_as_events(
    db: sa.Engine, order: OrderRequest, refuses: bool, status: str, kind: type[Consumer]
) -> None:
    shop.open_shop(db)
    assert asyncio.run(orchestrate(db, order, refuses)) == status
    by_the_saga = shop.books(db)

    shop.open_shop(db)
    assert asyncio.run(choreograph(db, order, refuses, kind)) == status
    assert shop.books(db) == by_the_saga
    assert bool(by_the_saga["mail"]) == (status == "completed")
    if status == "failed":
        assert by_the_saga["shelf"] == shop.STOCK
        assert set(by_the_saga["payments"].values()) == {"undone"}
