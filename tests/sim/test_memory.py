"""A saga is not asked again what it answered before to the same orders, and is found out if it differs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from saga_lab import SagaContext
from saga_lab.sim import EndlessLoop, InProcess, Trace, explore, parse, simulate
from saga_lab.sim.memory import Forgetful, Memory
from saga_lab.sim.messages import Begin, Order, Turn
from saga_lab.worlds.shop import OrderRequest, OrderResult, Shop, ShopWorld
from tests.sim.sagas import careful
from tests.sim.test_explore import Anything


class Heard(InProcess):
    """A saga that keeps every order that it was given; a `stuck` one never comes back."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function, ShopWorld)
        self.orders: list[list[Order]] = []
        self.stuck = False

    def exchange(self, *orders: Order) -> list[Turn]:
        self.orders.append(list(orders))
        if self.stuck:
            raise EndlessLoop("")
        return super().exchange(*orders)


def run(port: Memory | Heard, token: str) -> Trace:
    return simulate(port, ShopWorld, parse(token))


SHARED = [
    "payments.charge:lost",
    "shipping.create:down*",
    "payments.charge:twice",
    "inventory.reserve:crash-after",
]


@pytest.mark.parametrize("token", [*SHARED, "recover", "again", "shipping.create:lost + finish:crash"])
def test_a_run_is_the_same_whether_remembered_or_played(token: str) -> None:
    port = Memory(Heard(careful))
    played = run(Heard(careful), token)
    assert [run(port, "none"), run(port, token), run(port, token)][1:] == [played, played]


def test_a_run_that_tells_the_saga_nothing_new_is_not_played() -> None:
    heard = Heard(careful)
    port = Memory(heard)
    run(port, "none")
    orders = len(heard.orders)
    for token in ("none", "payments.charge:twice", "shipping.create:then:buy_stock"):
        run(port, token)
    assert len(heard.orders) == orders


def test_a_run_is_played_from_where_it_parts_and_all_before_is_given_at_once() -> None:
    heard = Heard(careful)
    port = Memory(heard)
    run(port, "none")
    before = len(heard.orders)
    run(port, "shipping.create:lost")
    first, *later = heard.orders[before:]
    assert isinstance(first[0], Begin) and len(first) > 3
    assert {len(orders) for orders in later} == {1}


def test_after_a_crash_only_the_new_process_is_played() -> None:
    heard = Heard(careful)
    port = Memory(heard)
    run(port, "none")
    before = len(heard.orders)
    run(port, "shipping.create:crash-before")
    first = heard.orders[before][0]
    assert isinstance(first, Begin) and first.journal


async def moody(saga: SagaContext, order: OrderRequest, shop: Shop) -> OrderResult:
    await saga.step("charge", shop.payments.charge, order.customer_id, order.amount + len(moods))
    moods.append(order)
    await saga.step("mail", shop.mail.send, order.customer_id, order.order_id)
    return OrderResult("completed")


moods: list[OrderRequest] = []


def test_a_saga_that_answers_otherwise_than_before_is_asked_from_then_on() -> None:
    moods.clear()
    heard = Heard(moody)
    port = Memory(heard)
    run(port, "none")
    with pytest.raises(Forgetful):
        run(port, "mail.send:lost")
    assert not port.trusted
    before = len(heard.orders)
    run(port, "none")
    assert len(heard.orders) > before


def test_an_exploration_of_such_a_saga_comes_to_its_end() -> None:
    moods.clear()
    found = explore(moody, ShopWorld, Anything())
    assert found.complete and "mail.send:lost" in found.tokens


def test_an_endless_loop_is_told_with_the_last_operation_of_its_run() -> None:
    heard = Heard(careful)
    port = Memory(heard)
    run(port, "none")
    heard.stuck = True
    with pytest.raises(EndlessLoop) as endless:
        run(port, "shipping.create:lost")
    assert endless.value.last == "shipping.create"
