"""Amounts as people write them."""

from __future__ import annotations


def in_euros(cents: int) -> str:
    """Cents with a point: -150.00 for -15000."""
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02}"
