"""What the ledgers of the shop say, in numbers and in words."""

from __future__ import annotations

from typing import Any

Ledgers = dict[str, Any]
Pieces = dict[str, int]
"""How many of each article, those of which there are none left out."""


def paid(ledgers: Ledgers) -> int:
    """What the customer has paid and not been given back, in cents."""
    return sum(charge["amount"] for charge in ledgers["payments"].values() if charge["state"] == "charged")


def payers(ledgers: Ledgers) -> set[str]:
    """Who has paid, and has not been given it back."""
    return {x["customer"] for x in ledgers["payments"].values() if x["state"] == "charged"}


def parcels(ledgers: Ledgers) -> int:
    """How many parcels are on their way."""
    return sum(parcel["state"] == "live" for parcel in ledgers["shipping"].values())


def reserved(ledgers: Ledgers) -> Pieces:
    """What is put aside."""
    pieces = {sku: sum(stock["reserved"].values()) for sku, stock in ledgers["inventory"].items()}
    return {sku: count for sku, count in pieces.items() if count}


def shipped(ledgers: Ledgers) -> Pieces:
    """What has left the house."""
    return {sku: stock["shipped"] for sku, stock in ledgers["inventory"].items() if stock["shipped"]}


def in_pieces(pieces: Pieces) -> str:
    """Pieces as people say them."""
    return " and ".join(f"{count} of {sku}" for sku, count in pieces.items()) or "nothing"


def in_parcels(count: int) -> str:
    """A number of parcels as people say it."""
    return "no parcel" if not count else "1 parcel" if count == 1 else f"{count} parcels"
