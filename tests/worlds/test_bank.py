"""The bank: money only moves, an undo adds, and whoever has spent it cannot give it back."""

from __future__ import annotations

import msgspec
import pytest

from saga_lab.errors import Refused
from saga_lab.worlds.bank import (
    BankWorld,
    TransferRequest,
    TransferResult,
    result_to_json,
    transfer_from_json,
)

DEBIT, CREDIT = ("accounts.debit", "t/debit"), ("accounts.credit", "t/credit")


class Teller:
    """Asks one bank, and reads its balances."""

    def __init__(self) -> None:
        self.world = BankWorld()

    def asks(self, operation: str, key: str, *args: object) -> object:
        return self.world.apply(operation, key, msgspec.Raw(msgspec.json.encode(args)))[1]

    def rival(self, name: str) -> bool:
        return BankWorld.rivals[name].act(self.world, "")

    @property
    def money(self) -> tuple[int, int, int]:
        """Alice, clearing, Bob."""
        accounts = self.world.ledgers()["accounts"]
        return accounts["balances"]["ACC-001"], accounts["clearing"], accounts["balances"]["ACC-002"]


@pytest.fixture
def teller() -> Teller:
    return Teller()


def test_money_goes_by_way_of_clearing(teller: Teller) -> None:
    teller.asks(*DEBIT, "ACC-001", 15_000)
    assert teller.money == (85_000, 15_000, 50_000)
    teller.asks(*CREDIT, "ACC-002", 15_000)
    assert teller.money == (85_000, 0, 65_000)


def test_a_reversal_adds_to_what_the_balance_is_by_now(teller: Teller) -> None:
    teller.asks(*DEBIT, "ACC-001", 15_000)
    assert teller.rival("withdraw") and teller.rival("deposit")
    teller.asks("accounts.reverse", "t/debit")
    assert teller.money == (265_000, 0, 50_000)


@pytest.mark.parametrize(
    ("account", "code"), [("ACC-009", "unknown"), ("ACC-003", "no"), ("ACC-001", "insufficient")]
)
def test_a_debit_is_refused_with_its_reason(teller: Teller, account: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        teller.asks(*DEBIT, account, 100_001)
    assert refused.value.code == code and teller.money == (100_000, 0, 50_000)


def test_a_credit_is_voided_unless_its_money_is_spent(teller: Teller) -> None:
    teller.asks(*DEBIT, "ACC-001", 15_000)
    teller.asks(*CREDIT, "ACC-002", 15_000)
    teller.asks("accounts.void", "t/credit")
    assert teller.money == (85_000, 15_000, 50_000)
    teller.asks("accounts.credit", "t/again", "ACC-002", 15_000)
    assert teller.rival("spend")
    with pytest.raises(Refused) as refused:
        teller.asks("accounts.void", "t/again")
    assert refused.value.code == "spent" and teller.money == (85_000, 0, 0)


def test_a_look_up_knows_debits_and_credits_by_their_keys(teller: Teller) -> None:
    teller.asks(*DEBIT, "ACC-001", 15_000)
    states = [teller.asks("accounts.find", key).state for key in ("t/debit", "t/credit")]
    assert states == ["done", "unseen"]


def test_the_bank_books_what_it_is_told(teller: Teller) -> None:
    teller.asks(*DEBIT, "ACC-001", -15_000)
    assert teller.money == (115_000, -15_000, 50_000)


def test_an_amount_that_is_no_whole_cents_is_no_amount(teller: Teller) -> None:
    with pytest.raises(Refused) as refused:
        teller.asks(*DEBIT, "ACC-001", 149.99)
    assert refused.value.code == "bad_argument"


def test_the_web_writes_euros_and_the_bank_reads_cents() -> None:
    read = transfer_from_json('{"transferId":"t","fromAccount":"a","toAccount":"b","amount":99.99}')
    assert read == TransferRequest("t", "a", "b", 9_999)
    told = result_to_json(TransferResult("completed", "debit-1", "credit-2"))
    assert msgspec.json.decode(told) == {
        "status": "completed",
        "debitTxId": "debit-1",
        "creditTxId": "credit-2",
    }
