"""Async tests in a plain event loop of their own."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any


def told(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @functools.wraps(test)
    def wrapper(**fixtures: Any) -> None:
        asyncio.run(test(**fixtures))

    return wrapper
