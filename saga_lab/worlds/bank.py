"""The world of exercise 2: a bank that moves money between accounts by way of clearing, and books it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Protocol

import msgspec
from msgspec import Struct

from saga_lab.context import Lookup
from saga_lab.errors import Refused
from saga_lab.worlds.money import in_cents
from saga_lab.worlds.service import Service, action, operations, undo
from saga_lab.worlds.variation import USUAL, Variation
from saga_lab.worlds.world import Case, Rival, World, named

SALARY = 250_000


@dataclass
class TransferRequest:
    """A transfer; `amount` in cents."""

    transfer_id: str
    from_account: str
    to_account: str
    amount: int


@dataclass
class TransferResult:
    """`status`: completed, failed or manual_intervention_required. The ids are empty unless completed."""

    status: str
    debit_tx_id: str = ""
    credit_tx_id: str = ""


# ---- what a saga sees


class Accounts(Protocol):
    """Moves money from an account into clearing, and from clearing to an account.

    `reverse` takes a debit back; `void` takes a credit back, and refuses when the money is spent.
    """

    async def debit(self, key: str, account: str, amount: int) -> str: ...
    async def reverse(self, key: str) -> None: ...
    async def credit(self, key: str, account: str, amount: int) -> str: ...
    async def void(self, key: str) -> None: ...
    async def find(self, key: str) -> Lookup: ...


class Ledger(Protocol):
    """The bank's book of transfers, from which nothing is ever struck out."""

    async def record(
        self, key: str, transfer_id: str, from_account: str, to_account: str, amount: int
    ) -> str: ...
    async def find(self, key: str) -> Lookup: ...


class Bank(Protocol):
    """The services of a transfer."""

    accounts: Accounts
    ledger: Ledger


# ---- what they are


class _Accounts(Service):
    """Balances in cents. Clearing is the bank's own pocket: nobody stops it from lending out of it.

    `entries`: what each key did, as account, change of its balance, and whether it still stands.
    """

    def __init__(self, balances: dict[str, int], closed: set[str]) -> None:
        super().__init__()
        self.balances = balances
        self.closed = closed
        self.clearing = 0
        self.booked: dict[str, tuple[str, int, bool]] = {}

    def ledger(self) -> Any:
        return {
            "balances": dict(self.balances),
            "clearing": self.clearing,
            "entries": {
                key: {"account": account, "change": change, "state": "booked" if stands else "taken back"}
                for key, (account, change, stands) in self.booked.items()
            },
        }

    @action("compensable")
    def debit(self, key: str, account: str, amount: int) -> str:
        return self._book("debit", key, account, -amount)

    @undo("debit")
    def reverse(self, key: str) -> None:
        self._take_back(key)

    @action("pivot")
    def credit(self, key: str, account: str, amount: int) -> str:
        return self._book("credit", key, account, amount)

    @undo("credit")
    def void(self, key: str) -> None:
        account, change, _ = self.booked[key]
        if self.balances[account] < change:
            raise Refused(f"{account} has spent the money", "spent")
        self._take_back(key)

    def move(self, source: str, destination: str, amount: int) -> None:
        """What others do with their money: it goes from account to account at once."""
        self.balances[source] -= amount
        self.balances[destination] += amount

    def _book(self, what: str, key: str, account: str, change: int) -> str:
        if account not in self.balances:
            raise Refused(f"there is no account {account}", "unknown")
        if account in self.closed:
            raise Refused(f"the account {account} is closed", "no")
        if self.balances[account] + change < 0:
            raise Refused(f"{account} has too little money", "insufficient")
        self._change(account, change)
        self.booked[key] = (account, change, True)
        return self.variation.name(f"{what}-{len(self.booked)}")

    def _take_back(self, key: str) -> None:
        """By a change the other way: the balance may have moved meanwhile."""
        account, change, _ = self.booked[key]
        self._change(account, -change)
        self.booked[key] = (account, change, False)

    def _change(self, account: str, change: int) -> None:
        self.balances[account] += change
        self.clearing -= change


class _Ledger(Service):
    def __init__(self) -> None:
        super().__init__()
        self.records: dict[str, dict[str, Any]] = {}

    def ledger(self) -> Any:
        return {key: dict(record) for key, record in self.records.items()}

    @action("retriable")
    def record(self, key: str, transfer_id: str, from_account: str, to_account: str, amount: int) -> str:
        self.records[key] = {
            "transfer": transfer_id,
            "from": from_account,
            "to": to_account,
            "amount": amount,
        }
        return self.variation.name(f"entry-{len(self.records)}")


ALICE, BOB, CLOSED, NOBODY = "ACC-001", "ACC-002", "ACC-003", "ACC-009"
RICHES = 100_000
"""What Alice has, in cents."""


def _cases(variation: Variation) -> Iterator[Case]:
    def transfer(amount: int, to: str = BOB, number: int = 1) -> TransferRequest:
        name = variation.name
        return TransferRequest(name(f"transfer-{number:03}"), name(ALICE), name(to), amount)

    some, riches = variation.cents(15_000), variation.cents(RICHES)
    too_much = riches + 1
    yield Case("plain", transfer(some), f"{_euros(some)} from Alice to Bob", faults=True)
    yield Case("insufficient", transfer(too_much), f"{_euros(too_much)} from Alice, who has {_euros(riches)}")
    nowhere = f"{_euros(some)} to an account that does not exist"
    yield Case("unknown-destination", transfer(some, NOBODY), nowhere, faults=True)
    yield Case("closed-destination", transfer(some, CLOSED), f"{_euros(some)} to a closed one")
    yield Case("one-cent", transfer(1), f"{_euros(1)} from Alice to Bob")
    yield Case("zero", transfer(0), "nothing, from Alice to Bob")
    yield Case("negative", transfer(-some), f"{_euros(-some)} from Alice to Bob")
    yield Case("to-itself", transfer(some, ALICE), f"{_euros(some)} from Alice to herself")
    twins = f"two transfers of {_euros(some)} from Alice to Bob at once"
    yield Case("twins", transfer(some), twins, others=(transfer(some, number=2),))


def _euros(cents: int) -> str:
    return str(Decimal(cents).scaleb(-2))


# ---- who else is about


def _spend(world: BankWorld, about: str) -> bool:
    """The receiver spends all that is there."""
    return world.pay(world.case.request.to_account, "SHOP")


def _withdraw(world: BankWorld, about: str) -> bool:
    """The owner of the source empties it at a cash machine."""
    return world.pay(world.case.request.from_account, "CASH")


def _deposit(world: BankWorld, about: str) -> bool:
    """A salary reaches the source."""
    return world.pay("EMPLOYER", world.case.request.from_account, SALARY)


class BankWorld(World):
    """The bank during one run: Alice has 1000.00 in ACC-001, Bob 500.00 in ACC-002, ACC-003 is closed."""

    name = "bank"
    function = "transfer_saga"
    services_type = Bank
    request_type = TransferRequest
    result_type = TransferResult
    operations = operations(
        {"accounts": _Accounts, "ledger": _Ledger}, ["accounts.debit", "accounts.credit", "ledger.record"]
    )
    cases: ClassVar = named(_cases(USUAL))
    rivals: ClassVar = {
        "spend": Rival("the receiver spends all at once", _spend, after=("accounts.debit",), stays=True),
        "withdraw": Rival("somebody withdraws all that is left in the source", _withdraw),
        "deposit": Rival("a salary reaches the source", _deposit),
    }

    def __init__(self, case: str = "") -> None:
        super().__init__(case)
        name, cents = self.variation.name, self.variation.cents
        people = {name(ALICE): cents(RICHES), name(BOB): cents(50_000), name(CLOSED): 0}
        firms = {"SHOP": 0, "CASH": 0, "EMPLOYER": 10_000_000}
        self.accounts = _Accounts(people | firms, {name(CLOSED)})
        self.services = {"accounts": self.accounts, "ledger": _Ledger()}

    @classmethod
    def told(cls, variation: Variation) -> Mapping[str, Case]:
        return named(_cases(variation))

    @staticmethod
    def saga_id(request: TransferRequest) -> str:
        return request.transfer_id

    def pay(self, source: str, destination: str, amount: int | None = None) -> bool:
        """Move money between accounts that exist, all there is if no amount is given."""
        balances = self.accounts.balances
        if source not in balances or destination not in balances:
            return False
        amount = balances[source] if amount is None else amount
        if amount <= 0 or balances[source] < amount:
            return False
        self.accounts.move(source, destination, amount)
        return True


# ---- the seed's JSON


class _TransferJson(Struct, rename="camel"):
    transfer_id: str
    from_account: str
    to_account: str
    amount: Decimal


class _ResultJson(Struct, rename="camel", omit_defaults=True):
    status: str
    debit_tx_id: str = ""
    credit_tx_id: str = ""


def transfer_from_json(text: str | bytes) -> TransferRequest:
    """Read a transfer as the web sends it: camelCase, and 150.00 for 15000 cents.

    Raises ValueError (msgspec.ValidationError among them) when it is not one in whole cents.
    """
    read = msgspec.json.decode(text, type=_TransferJson)
    return TransferRequest(read.transfer_id, read.from_account, read.to_account, in_cents(read.amount))


def result_to_json(result: TransferResult) -> bytes:
    """Write a result as the web expects it: camelCase, empty ids left out."""
    return msgspec.json.encode(_ResultJson(result.status, result.debit_tx_id, result.credit_tx_id))
