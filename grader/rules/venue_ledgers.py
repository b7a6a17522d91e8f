"""What the ledgers of the venue say of one booking, in numbers and in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from grader.rules.facts import Facts

HOLD, RELEASE = "seats.hold", "seats.release"
CHARGE, REFUND = "payments.charge", "payments.refund"
ISSUE, REVOKE = "tickets.issue", "tickets.revoke"
MAIL = "mail.send"
Ledgers = dict[str, Any]


def paid(ledgers: Ledgers) -> int:
    """What the customer has paid and not been given back, in cents."""
    return sum(charge["amount"] for charge in ledgers["payments"].values() if charge["state"] == "charged")


def payers(ledgers: Ledgers) -> set[str]:
    """Who has paid, and has not been given it back."""
    return {x["customer"] for x in ledgers["payments"].values() if x["state"] == "charged"}


def tickets(ledgers: Ledgers) -> list[str]:
    """The seat of each ticket that is valid."""
    issued = ledgers["tickets"].values()
    return [seat for ticket in issued if ticket["state"] == "live" for seat in ticket["seats"]]


def keys(facts: Facts) -> set[str]:
    """Under which keys this booking asked for seats."""
    return {key for operation, key in facts.calls if operation == HOLD}


def ours(facts: Facts, ledgers: Ledgers, state: str) -> list[str]:
    """The seats that are `sold` to this booking, or `held` by it."""
    mine = keys(facts)
    return [
        seat for seat, place in ledgers["seats"].items() if place["state"] == state and place["by"] in mine
    ]


def sold_to_others(facts: Facts, ledgers: Ledgers) -> set[str]:
    """The seats that are sold to other bookings, which give them back to nobody."""
    mine = keys(facts)
    return {seat for seat, x in ledgers["seats"].items() if x["state"] == "sold" and x["by"] not in mine}


def at_the_end(facts: Facts) -> Ledgers:
    """The ledgers when the result was written."""
    ended = facts.trace.ended
    before = [x for x in facts.trace.instants if ended is None or x.at <= ended]
    return before[-1].ledgers


def in_words(seats: Iterable[str]) -> str:
    """Seats as people say them."""
    return ", ".join(sorted(seats)) or "none"
