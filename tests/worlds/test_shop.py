"""The shop of exercise 1: what a saga sees of it, and the seed's JSON."""

from __future__ import annotations

import inspect
import typing

import pytest

from saga_lab.worlds.shop import (
    Item,
    OrderRequest,
    OrderResult,
    Shop,
    ShopWorld,
    order_from_json,
    result_to_json,
)

ORDER = '{"orderId": "o", "customerId": "c", "items": [{"sku": "ITEM-001", "quantity": 2}], "amount": %s}'


def test_a_saga_sees_exactly_the_operations_that_the_world_offers() -> None:
    seen = {
        f"{service}.{verb}"
        for service, protocol in typing.get_type_hints(Shop).items()
        for verb, method in vars(protocol).items()
        if inspect.iscoroutinefunction(method)
    }
    assert seen == set(ShopWorld.operations)


def test_each_case_is_a_request_with_its_own_id() -> None:
    for case in ShopWorld.cases.values():
        assert isinstance(case.request, OrderRequest)
        assert ShopWorld.saga_id(case.request) == case.request.order_id


def test_an_unknown_case_is_named_with_those_that_exist() -> None:
    with pytest.raises(ValueError, match="'none-left', only one-item, two-items, too-many"):
        ShopWorld("none-left")


@pytest.mark.parametrize(
    ("written", "cents"), [("99.99", 9999), ("0.1", 10), ("100", 10000), ('"99.99"', 9999)]
)
def test_an_amount_is_read_as_cents_without_floats(written: str, cents: int) -> None:
    assert order_from_json(ORDER % written) == OrderRequest("o", "c", [Item("ITEM-001", 2)], cents)


@pytest.mark.parametrize("written", ["99.999", '"NaN"', '"Infinity"', "1e30", '"much"', "null"])
def test_what_is_no_amount_of_money_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="amount"):
        order_from_json(ORDER % written)


def test_a_result_is_written_as_the_web_expects_it() -> None:
    assert result_to_json(OrderResult("completed", "p", "r", "s")) == (
        b'{"status":"completed","paymentId":"p","reservationId":"r","shipmentId":"s"}'
    )
    assert result_to_json(OrderResult("failed")) == b'{"status":"failed"}'
