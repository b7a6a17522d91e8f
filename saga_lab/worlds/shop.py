"""The world of exercise 1: a shop that takes payments, keeps stock, ships parcels and sends mail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar, Protocol

import msgspec
from msgspec import Struct

from saga_lab.context import Lookup
from saga_lab.errors import Refused
from saga_lab.worlds.money import in_cents
from saga_lab.worlds.payments import Payments, PaymentService
from saga_lab.worlds.service import Service, action, operations, undo
from saga_lab.worlds.variation import USUAL, Variation
from saga_lab.worlds.world import Case, Rival, World, named

HOUR = 3600.0


@dataclass
class Item:
    """`quantity` pieces of one article."""

    sku: str
    quantity: int


@dataclass
class OrderRequest:
    """An order; `amount` in cents."""

    order_id: str
    customer_id: str
    items: list[Item]
    amount: int


@dataclass
class OrderResult:
    """`status`: completed, failed or manual_intervention_required. The ids are empty unless completed."""

    status: str
    payment_id: str = ""
    reservation_id: str = ""
    shipment_id: str = ""


# ---- what a saga sees


class Inventory(Protocol):
    """Puts goods aside, all of an order or none."""

    async def reserve(self, key: str, order_id: str, items: list[Item]) -> str: ...
    async def release(self, key: str) -> None: ...
    async def find(self, key: str) -> Lookup: ...


class Shipping(Protocol):
    """Hands what was reserved to the carrier."""

    async def create(self, key: str, order_id: str, reservation_id: str) -> str: ...
    async def cancel(self, key: str) -> None: ...
    async def find(self, key: str) -> Lookup: ...


class Mail(Protocol):
    """Tells the customer; nobody can ask whether it did."""

    async def send(self, key: str, customer_id: str, order_id: str) -> None: ...


class Shop(Protocol):
    """The services of an order."""

    payments: Payments
    inventory: Inventory
    shipping: Shipping
    mail: Mail


# ---- what they are


@dataclass(slots=True)
class _Reservation:
    id: str
    order: str
    items: list[Item]


@dataclass(slots=True)
class _Stock:
    on_hand: int
    reserved: dict[str, int] = field(default_factory=dict)
    shipped: int = 0
    sold: int = 0


class _Inventory(Service):
    def __init__(self, on_hand: dict[str, int]) -> None:
        super().__init__()
        self.stock = {sku: _Stock(pieces) for sku, pieces in on_hand.items()}
        self.reservations: dict[str, _Reservation] = {}

    def ledger(self) -> Any:
        return {
            sku: {"on hand": stock.on_hand, "reserved": dict(stock.reserved), "shipped": stock.shipped}
            | ({"sold to others": stock.sold} if stock.sold else {})
            for sku, stock in self.stock.items()
        }

    @action("compensable")
    def reserve(self, key: str, order_id: str, items: list[Item]) -> str:
        for item in items:
            if item.quantity <= 0:
                raise Refused(f"{item.quantity} pieces cannot be reserved", "bad_argument")
            if item.sku not in self.stock:
                raise Refused(f"there is no article {item.sku}", "unknown")
            wanted = sum(other.quantity for other in items if other.sku == item.sku)
            if wanted > self.stock[item.sku].on_hand:
                raise Refused(f"only {self.stock[item.sku].on_hand} of {item.sku} left", "insufficient")
        for item in items:
            self._move(order_id, item, 1)
        id = self.variation.name(f"reservation-{len(self.reservations) + 1}")
        self.reservations[key] = _Reservation(id, order_id, items)
        return id

    @undo("reserve")
    def release(self, key: str) -> None:
        held = self.reservations[key]
        for item in held.items:
            # Goods that were shipped meanwhile are gone: there is nothing to put back.
            if self.stock[item.sku].reserved.get(held.order, 0) >= item.quantity:
                self._move(held.order, item, -1)

    def _move(self, order: str, item: Item, way: int) -> None:
        """From the shelf to the order's box, or back."""
        stock = self.stock[item.sku]
        stock.on_hand -= way * item.quantity
        stock.reserved[order] = stock.reserved.get(order, 0) + way * item.quantity
        if not stock.reserved[order]:
            del stock.reserved[order]

    def ship(self, held: _Reservation, way: int) -> None:
        """From the order's box to the carrier, or back."""
        for item in held.items:
            stock = self.stock[item.sku]
            stock.shipped += way * item.quantity
            stock.reserved[held.order] = stock.reserved.get(held.order, 0) - way * item.quantity
            if not stock.reserved[held.order]:
                del stock.reserved[held.order]

    def sell_out(self, sku: str) -> bool:
        """Another customer takes away all that is on the shelf. Says whether there was any."""
        stock = self.stock.get(sku)
        if stock is None or not stock.on_hand:
            return False
        stock.sold += stock.on_hand
        stock.on_hand = 0
        return True

    def held(self, reservation_id: str) -> _Reservation | None:
        """A reservation that is whole and not yet shipped."""
        for key, held in self.reservations.items():
            if held.id == reservation_id and self.entries[key].state == "done":
                return held
        return None


class _Shipping(Service):
    def __init__(self, inventory: _Inventory) -> None:
        super().__init__()
        self.inventory = inventory
        self.parcels: dict[str, tuple[_Reservation, bool]] = {}

    def ledger(self) -> Any:
        return {
            key: {"order": held.order, "reservation": held.id, "state": "live" if live else "cancelled"}
            for key, (held, live) in self.parcels.items()
        }

    @action("pivot")
    def create(self, key: str, order_id: str, reservation_id: str) -> str:
        held = self.inventory.held(reservation_id)
        if held is None or held.order != order_id:
            raise Refused(f"nothing is reserved for {order_id} as {reservation_id}", "unknown")
        if any(live and other is held for other, live in self.parcels.values()):
            raise Refused(f"{reservation_id} has left already", "spent")
        self.inventory.ship(held, 1)
        self.parcels[key] = (held, True)
        return self.variation.name(f"shipment-{len(self.parcels)}")

    @undo("create")
    def cancel(self, key: str) -> None:
        held, _ = self.parcels[key]
        self.inventory.ship(held, -1)
        self.parcels[key] = (held, False)


class _Mail(Service):
    def __init__(self) -> None:
        super().__init__()
        self.delivered: list[dict[str, str]] = []

    def ledger(self) -> Any:
        return [dict(mail) for mail in self.delivered]

    @action("retriable", window=HOUR, look_up=False)
    def send(self, key: str, customer_id: str, order_id: str) -> None:
        self.delivered.append({"key": key, "customer": customer_id, "order": order_id})


FIRST, SECOND = "ITEM-001", "ITEM-002"


def _cases(variation: Variation) -> Iterator[Case]:
    name = variation.name
    order, customer, amount = name("order-001"), name("cust-123"), variation.cents(9999)
    for case, pieces, says in [
        ("one-item", {FIRST: 2}, "two pieces of one article"),
        ("two-items", {FIRST: 2, SECOND: 1}, "two articles"),
        ("too-many", {FIRST: 11}, "eleven pieces where ten are left"),
    ]:
        items = [Item(name(sku), quantity) for sku, quantity in pieces.items()]
        yield Case(case, OrderRequest(order, customer, items, amount), says, faults=case == "one-item")


def _buy_stock(shop: ShopWorld, about: str) -> bool:
    sold = [shop.services["inventory"].sell_out(item.sku) for item in shop.case.request.items]
    return any(sold)


class ShopWorld(World):
    """The shop during one run. Ten pieces of ITEM-001 and five of ITEM-002 are on the shelf."""

    name = "shop"
    function = "order_saga"
    services_type = Shop
    request_type = OrderRequest
    result_type = OrderResult
    operations = operations(
        {"payments": PaymentService, "inventory": _Inventory, "shipping": _Shipping, "mail": _Mail},
        ["payments.charge", "inventory.reserve", "shipping.create", "mail.send"],
    )
    cases: ClassVar = named(_cases(USUAL))
    rivals: ClassVar = {
        "buy_stock": Rival("another customer buys all that is left of the article", _buy_stock)
    }

    def __init__(self, case: str = "") -> None:
        super().__init__(case)
        name = self.variation.name
        inventory = _Inventory({name(FIRST): 10, name(SECOND): 5})
        self.services = {
            "payments": PaymentService(),
            "inventory": inventory,
            "shipping": _Shipping(inventory),
            "mail": _Mail(),
        }

    @classmethod
    def told(cls, variation: Variation) -> Mapping[str, Case]:
        return named(_cases(variation))

    @staticmethod
    def saga_id(request: OrderRequest) -> str:
        return request.order_id


# ---- the seed's JSON


class _OrderJson(Struct, rename="camel"):
    order_id: str
    customer_id: str
    items: list[Item]
    amount: Decimal


class _ResultJson(Struct, rename="camel", omit_defaults=True):
    status: str
    payment_id: str = ""
    reservation_id: str = ""
    shipment_id: str = ""


def order_from_json(text: str | bytes) -> OrderRequest:
    """Read an order as the web sends it: camelCase, and 99.99 for 9999 cents, without float arithmetic.

    Raises ValueError (msgspec.ValidationError among them) when it is not an order in whole cents.
    """
    order = msgspec.json.decode(text, type=_OrderJson)
    return OrderRequest(order.order_id, order.customer_id, order.items, in_cents(order.amount))


def result_to_json(result: OrderResult) -> bytes:
    """Write a result as the web expects it: camelCase, empty ids left out."""
    return msgspec.json.encode(
        _ResultJson(result.status, result.payment_id, result.reservation_id, result.shipment_id)
    )
