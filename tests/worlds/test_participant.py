"""The participant contract: what a service promises about a key, whatever comes in whatever order."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from saga_lab import Lookup, Refused
from saga_lab.worlds.shop import ShopWorld
from saga_lab.worlds.world import Effect

CHARGE = ("cust-123", 9999)
RESERVE = ("order-001", [{"sku": "ITEM-001", "quantity": 2}])


def ask(world: ShopWorld, operation: str, key: str, *args: Any) -> tuple[Effect, Any]:
    return world.apply(operation, key, Raw(msgspec.json.encode(args)))


def test_a_repeat_gets_the_first_result_and_has_no_second_effect() -> None:
    shop = ShopWorld()
    first = ask(shop, "payments.charge", "k", *CHARGE)
    before = shop.ledgers()
    assert ask(shop, "payments.charge", "k", *CHARGE) == ("repeated", first[1])
    assert shop.ledgers() == before


def test_a_key_with_other_parameters_is_a_conflict() -> None:
    shop = ShopWorld()
    ask(shop, "payments.charge", "k", *CHARGE)
    with pytest.raises(Refused) as refused:
        ask(shop, "payments.charge", "k", "cust-123", 1)
    assert refused.value.code == "conflict"


def test_a_refusal_is_kept_under_its_key() -> None:
    shop = ShopWorld()
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            ask(shop, "inventory.reserve", "k", "order-001", [{"sku": "ITEM-001", "quantity": 11}])
        assert refused.value.code == "insufficient"
    assert ask(shop, "inventory.find", "k")[1] == Lookup("undone")


def test_an_undo_that_comes_first_refuses_the_late_action() -> None:
    shop = ShopWorld()
    assert ask(shop, "payments.refund", "k") == ("nothing", None)
    with pytest.raises(Refused):
        ask(shop, "payments.charge", "k", *CHARGE)
    assert shop.ledgers()["payments"] == {}


def test_an_undo_takes_back_once_and_may_be_repeated() -> None:
    shop = ShopWorld()
    ask(shop, "payments.charge", "k", *CHARGE)
    assert ask(shop, "payments.refund", "k")[0] == "undone"
    assert ask(shop, "payments.refund", "k")[0] == "nothing"
    assert shop.ledgers()["payments"]["k"]["state"] == "refunded"


def test_a_look_up_says_unseen_done_and_undone() -> None:
    shop = ShopWorld()
    assert ask(shop, "payments.find", "k")[1] == Lookup("unseen")
    _, payment = ask(shop, "payments.charge", "k", *CHARGE)
    assert ask(shop, "payments.find", "k")[1] == Lookup("done", payment)
    ask(shop, "payments.refund", "k")
    assert ask(shop, "payments.find", "k")[1] == Lookup("undone")


def test_a_refusal_that_is_injected_changes_nothing_and_stays() -> None:
    shop = ShopWorld()
    args = Raw(msgspec.json.encode(CHARGE))
    with pytest.raises(Refused):
        shop.refuse("payments.charge", "k", args)
    with pytest.raises(Refused):
        shop.apply("payments.charge", "k", args)
    assert shop.ledgers()["payments"] == {}


def test_a_key_already_done_answers_its_first_result_even_to_a_refusal() -> None:
    shop = ShopWorld()
    args = Raw(msgspec.json.encode(CHARGE))
    _, payment = shop.apply("payments.charge", "k", args)
    assert shop.refuse("payments.charge", "k", args) == ("repeated", payment)


def test_mail_forgets_its_key_after_an_hour_and_not_before() -> None:
    shop = ShopWorld()
    for now, delivered in ((0.0, 1), (3600.0, 1), (3600.1, 2)):
        shop.now = now
        ask(shop, "mail.send", "k", "cust-123", "order-001")
        assert len(shop.ledgers()["mail"]) == delivered


@pytest.mark.parametrize(
    ("operation", "args"),
    [
        ("payments.charge", ["cust-123", "much"]),
        ("payments.charge", ["cust-123"]),
        ("inventory.reserve", ["order-001", [{"sku": "ITEM-001"}]]),
    ],
)
def test_arguments_of_the_wrong_type_are_refused_by_name(operation: str, args: list[Any]) -> None:
    with pytest.raises(Refused, match=operation) as refused:
        ask(ShopWorld(), operation, "k", *args)
    assert refused.value.code == "bad_argument"


KEYS = st.sampled_from(["a", "b", "c"])
REQUESTS = st.lists(
    st.tuples(
        st.sampled_from(["inventory.reserve", "inventory.release", "shipping.create", "shipping.cancel"]),
        KEYS,
        st.integers(1, 11),
        st.integers(1, 4),
    ),
    max_size=30,
)


@given(REQUESTS)
def test_no_order_of_requests_loses_or_makes_a_piece(requests: list[tuple[str, str, int, int]]) -> None:
    shop = ShopWorld()
    for operation, key, pieces, reservation in requests:
        args: list[Any] = []
        if operation == "inventory.reserve":
            args = [f"order-{key}", [{"sku": "ITEM-001", "quantity": pieces}]]
        elif operation == "shipping.create":
            args = [f"order-{key}", f"reservation-{reservation}"]
        with suppress(Refused):
            ask(shop, operation, key, *args)
        stock = shop.ledgers()["inventory"]["ITEM-001"]
        assert stock["on hand"] + sum(stock["reserved"].values()) + stock["shipped"] == 10
        assert min(stock["on hand"], stock["shipped"], *stock["reserved"].values(), 0) == 0


@given(st.permutations(["charge", "charge", "refund", "refund", "find"]))
def test_after_an_undo_nothing_stands_whatever_the_order(order: list[str]) -> None:
    shop = ShopWorld()
    for verb in order:
        with suppress(Refused):
            ask(shop, f"payments.{verb}", "k", *(CHARGE if verb == "charge" else ()))
    assert all(charge["state"] == "refunded" for charge in shop.ledgers()["payments"].values())
