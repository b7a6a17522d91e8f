"""A declared saga meets the same faults as any other, and its breaker knows nothing of other runs."""

from __future__ import annotations

import pytest

from saga_lab import Breaker, Saga, SagaContext, Step, StepFailed
from saga_lab.sim import replay
from saga_lab.worlds.shop import OrderRequest, OrderResult, Shop, ShopWorld

bank = Breaker(failures=2, seconds=60)


def steps_of(shop: Shop) -> Saga:
    return Saga(
        "order",
        [
            Step(
                "charge",
                bank(shop.payments.charge),
                args=lambda order, done: (order.customer_id, order.amount),
                compensate=shop.payments.refund,
                check=shop.payments.find,
            ),
            Step(
                "reserve",
                shop.inventory.reserve,
                args=lambda order, done: (order.order_id, order.items),
                compensate=shop.inventory.release,
            ),
            Step(
                "ship",
                shop.shipping.create,
                args=lambda order, done: (order.order_id, done["reserve"]),
                compensate=shop.shipping.cancel,
                pivot=True,
            ),
        ],
    )


async def order_saga(saga: SagaContext, order: OrderRequest, shop: Shop) -> OrderResult:
    try:
        done = await steps_of(shop)(saga, order)
    except StepFailed:
        return OrderResult("failed")
    return OrderResult("completed", done["charge"], done["reserve"], done["ship"])


CHARGE, RESERVE, SHIP = "payments.charge", "inventory.reserve", "shipping.create"


@pytest.mark.parametrize(
    ("token", "asked"),
    [
        ("none", [CHARGE, RESERVE, SHIP]),
        ("payments.charge:down*", [CHARGE, CHARGE]),
        ("payments.charge:lost=3", [CHARGE, CHARGE, "payments.find", RESERVE, SHIP]),
        ("shipping.create:refuse", [CHARGE, RESERVE, SHIP, "inventory.release", "payments.refund"]),
    ],
)
def test_a_declared_saga_is_tried_like_any_other(token: str, asked: list[str]) -> None:
    for _ in range(2):  # a breaker that was open at the end of one run is closed in the next
        trace = replay(order_saga, ShopWorld, token)
        assert [request.operation for request in trace.requests] == asked
