"""The world of exercise 2: a bank that moves money between accounts by way of clearing, and books it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Protocol

import msgspec
from msgspec import Struct

from saga_lab.context import Lookup
from saga_lab.errors import Refused
from saga_lab.worlds.money import in_cents
from saga_lab.worlds.service import Service, action, operations, undo
from saga_lab.worlds.world import Case, Rival, World

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
        return f"{what}-{len(self.booked)}"

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
        return f"entry-{len(self.records)}"


def _transfer(amount: int, source: str = "ACC-001", destination: str = "ACC-002", number: int = 1) -> Any:
    return TransferRequest(f"transfer-{number:03}", source, destination, amount)


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
    cases: ClassVar = {
        case.name: case
        for case in [
            Case("plain", _transfer(15_000), "150.00 from Alice to Bob", faults=True),
            Case("insufficient", _transfer(100_001), "1000.01 from Alice, who has 1000.00"),
            Case(
                "unknown-destination",
                _transfer(15_000, destination="ACC-009"),
                "150.00 to an account that does not exist",
                faults=True,
            ),
            Case("closed-destination", _transfer(15_000, destination="ACC-003"), "150.00 to a closed one"),
            Case("zero", _transfer(0), "nothing, from Alice to Bob"),
            Case("negative", _transfer(-15_000), "-150.00 from Alice to Bob"),
            Case("to-itself", _transfer(15_000, destination="ACC-001"), "150.00 from Alice to herself"),
            Case(
                "twins",
                _transfer(15_000),
                "two transfers of 150.00 from Alice to Bob at once",
                others=(_transfer(15_000, number=2),),
            ),
        ]
    }
    rivals: ClassVar = {
        "spend": Rival("the receiver spends all at once", _spend, after=("accounts.debit",), stays=True),
        "withdraw": Rival("somebody withdraws all that is left in the source", _withdraw),
        "deposit": Rival("a salary reaches the source", _deposit),
    }

    def __init__(self, case: str = "") -> None:
        super().__init__(case)
        people = {"ACC-001": 100_000, "ACC-002": 50_000, "ACC-003": 0}
        firms = {"SHOP": 0, "CASH": 0, "EMPLOYER": 10_000_000}
        self.accounts = _Accounts(people | firms, {"ACC-003"})
        self.services = {"accounts": self.accounts, "ledger": _Ledger()}

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
