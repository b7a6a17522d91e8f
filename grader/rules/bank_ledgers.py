"""What the ledgers of the bank say of one transfer, in numbers and in words."""

from __future__ import annotations

from collections import Counter
from typing import Any

from grader.rules.facts import Facts
from grader.rules.words import in_euros
from saga_lab.worlds.bank import TransferRequest


def changes(facts: Facts, ledgers: dict[str, Any]) -> dict[str, int]:
    """By how much this transfer's entries, as far as they stand, change each balance, in cents."""
    found, keys = Counter[str](), {request.key for request in facts.requests}
    for key, entry in ledgers["accounts"]["entries"].items():
        if key in keys and entry["state"] == "booked":
            found[entry["account"]] += entry["change"]
    return {account: change for account, change in found.items() if change}


def records(facts: Facts) -> int:
    """How often the ledger tells of this transfer, as it was asked for."""
    transfer: TransferRequest = facts.request
    told = {
        "transfer": transfer.transfer_id,
        "from": transfer.from_account,
        "to": transfer.to_account,
        "amount": transfer.amount,
    }
    return sum(record == told for record in facts.final["ledger"].values())


def total(ledgers: dict[str, Any]) -> int:
    """All the money there is, in cents."""
    accounts = ledgers["accounts"]
    return int(sum(accounts["balances"].values()) + accounts["clearing"])


def possible(facts: Facts) -> bool:
    """It is a transfer at all: of some money, between two accounts."""
    transfer: TransferRequest = facts.request
    return transfer.amount > 0 and transfer.from_account != transfer.to_account


def due(facts: Facts) -> dict[str, int]:
    """What the status promises of each balance."""
    if facts.status != "completed" or not possible(facts):
        return {}
    return {
        facts.request.from_account: -facts.request.amount,
        facts.request.to_account: facts.request.amount,
    }


def change(account: str, cents: int) -> str:
    """A change of a balance as people write it."""
    return f"{account} {'+' if cents > 0 else ''}{in_euros(cents)}"


def in_words(found: dict[str, int]) -> str:
    """Several of them."""
    return ", ".join(change(account, cents) for account, cents in sorted(found.items())) or "no change"
