"""Takes money from customers, and gives it back: the payment service of the shop and of the venue."""

from __future__ import annotations

from typing import Any, Protocol

from saga_lab.context import Lookup
from saga_lab.errors import Refused
from saga_lab.worlds.service import Service, action, undo


class Payments(Protocol):
    """Takes money from customers, and gives it back."""

    async def charge(self, key: str, customer_id: str, amount: int) -> str: ...
    async def refund(self, key: str) -> None: ...
    async def find(self, key: str) -> Lookup: ...


class PaymentService(Service):
    """Charges in cents, by key."""

    def __init__(self) -> None:
        super().__init__()
        self.charges: dict[str, tuple[str, int, bool]] = {}

    def ledger(self) -> Any:
        return {
            key: {"customer": customer, "amount": amount, "state": "charged" if charged else "refunded"}
            for key, (customer, amount, charged) in self.charges.items()
        }

    @action("compensable")
    def charge(self, key: str, customer_id: str, amount: int) -> str:
        if amount <= 0:
            raise Refused(f"{amount} cents cannot be charged", "bad_argument")
        self.charges[key] = (customer_id, amount, True)
        return self.variation.name(f"payment-{len(self.charges)}")

    @undo("charge")
    def refund(self, key: str) -> None:
        customer, amount, _ = self.charges[key]
        self.charges[key] = (customer, amount, False)
