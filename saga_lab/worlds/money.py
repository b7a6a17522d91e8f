"""Money as the web writes it, 99.99, and as the worlds keep it: 9999 cents, without float arithmetic."""

from __future__ import annotations

from decimal import Decimal

MOST = Decimal(10) ** 12
"""No request is about so much money."""


def in_cents(amount: Decimal) -> int:
    """An amount in whole cents. Raises ValueError when it is none."""
    if not amount.is_finite() or abs(amount) >= MOST:
        raise ValueError(f"amount {amount} is not an amount of money")
    cents = amount * 100
    if cents != int(cents):
        raise ValueError(f"amount {amount} is not in whole cents")
    return int(cents)
