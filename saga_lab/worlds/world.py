"""What every world is: its operations, its cases, and the ledgers of one run."""

from __future__ import annotations

from typing import Literal

Role = Literal["action", "undo", "look-up", "read"]
Kind = Literal["compensable", "pivot", "retriable", "read"]
Effect = Literal["done", "refused", "repeated", "undone", "nothing", "answered"]
