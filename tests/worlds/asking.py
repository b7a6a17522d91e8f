"""Asking a world's service directly, as a saga would."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import Raw

from saga_lab import Refused
from saga_lab.worlds.world import World


def ask(world: World, operation: str, key: str, *args: Any) -> Any:
    """The value that an operation gives. Raises Refused."""
    return world.apply(operation, key, Raw(msgspec.json.encode(args)))[1]


def refusal(world: World, operation: str, key: str, *args: Any) -> str:
    """The code with which an operation says no."""
    with pytest.raises(Refused) as refused:
        ask(world, operation, key, *args)
    return refused.value.code
