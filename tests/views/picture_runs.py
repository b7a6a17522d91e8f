"""Runs to draw: a saga in the shop under every sort of fault, and one with many requests."""

from __future__ import annotations

from typing import Any

from saga_lab import CompensationFailed, Saga, SagaContext, Step, StepFailed
from saga_lab.sim import Trace, replay
from saga_lab.worlds.shop import (
    Inventory,
    Mail,
    OrderRequest,
    OrderResult,
    Payments,
    Shipping,
    Shop,
    ShopWorld,
)

TOKENS = (
    "none",
    "payments.charge:lost* + payments.find:down*",
    "shipping.create:refuse",
    "payments.charge:crash-after=16m",
    "inventory.reserve:crash-before + mail.send:down* + finish:crash",
    "payments.charge:late=1h*",
    "inventory.reserve:slow=5m + payments.charge:twice=1h",
    "shipping.create:lost* + shipping.find:down* + shipping.cancel:down*",
    "start:crash=16m + payments.charge:late + again",
    "mail.send:refuse",
)


async def order(saga: SagaContext, order: OrderRequest, shop: Shop) -> OrderResult:
    try:
        async with saga.scope():
            await saga.step(
                "charge",
                shop.payments.charge,
                order.customer_id,
                order.amount,
                compensate=shop.payments.refund,
                check=shop.payments.find,
            )
            held = await saga.step(
                "reserve",
                shop.inventory.reserve,
                order.order_id,
                order.items,
                compensate=shop.inventory.release,
                check=shop.inventory.find,
            )
            await saga.step(
                "ship",
                shop.shipping.create,
                order.order_id,
                held,
                compensate=shop.shipping.cancel,
                check=shop.shipping.find,
                pivot=True,
            )
    except CompensationFailed:
        return OrderResult("manual_intervention_required")
    except StepFailed:
        return OrderResult("failed")
    try:
        await saga.step("mail", shop.mail.send, order.customer_id, order.order_id)
    except StepFailed as failure:
        saga.park("tell the customer", failure)
    return OrderResult("completed")


async def many(saga: SagaContext, order: OrderRequest, shop: Shop) -> OrderResult:
    """Three charges side by side, then one after another with days in between, and all of them undone."""

    def charge(part: int) -> Any:
        pay = shop.payments
        return saga.step(f"part-{part}", pay.charge, order.customer_id, 1 + part, compensate=pay.refund)

    try:
        async with saga.scope():
            await saga.gather(*(charge(part) for part in range(3)))
            for part in range(3, 30):
                await charge(part)
                if part % 7 == 0:
                    await saga.sleep(86_400 * part)
            await saga.step("ship", shop.shipping.create, order.order_id, "nothing", pivot=True)
    except StepFailed:
        return OrderResult("failed")
    return OrderResult("completed")


async def forever(saga: SagaContext, order: OrderRequest, shop: Shop) -> OrderResult:
    while True:
        try:
            await saga.step("charge", shop.payments.charge, order.customer_id, order.amount)
            return OrderResult("completed")
        except StepFailed:
            await saga.sleep(30)


def run(token: str = "none") -> Trace:
    return replay(order, ShopWorld, token)


def long_run(token: str = "payments.charge#5:lost + payments.refund#4:down") -> Trace:
    return replay(many, ShopWorld, token)


def endless_run() -> Trace:
    return replay(forever, ShopWorld, "payments.charge:down*")


async def quote(key: str, order: OrderRequest) -> int:
    return order.amount


DECLARED = Saga(
    "order",
    [
        Step("quote", quote, effect=False),
        Step("charge", Payments.charge, compensate=Payments.refund, check=Payments.find),
        Step("reserve", Inventory.reserve, compensate=Inventory.release),
        Step("ship", Shipping.create, check=Shipping.find, pivot=True),
        Step("tell", Mail.send),
    ],
)
