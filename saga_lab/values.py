"""Values on their way through a journal: JSON out, the annotated type back."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw

ATOMS = frozenset({str, int, float, bool, type(None)})
_encode = msgspec.json.Encoder().encode


def to_json(value: Any, what: str, name: str = "") -> Raw:
    """Encode; raises TypeError naming `what` and `name` when the value is not plain data."""
    try:
        return Raw(_encode(value))
    except (TypeError, ValueError, OverflowError) as error:
        named = f"{what} {name!r}" if name else what
        raise TypeError(f"{named} cannot be written to a journal ({error}): use plain data") from None


def text(raw: Raw) -> str:
    """JSON as people read it."""
    return bytes(raw).decode()


def from_json(raw: Raw, type: Any) -> Any:
    """Decode as `type`; raises msgspec.ValidationError when it does not fit."""
    return _decoder(type).decode(raw)


@functools.lru_cache(maxsize=512)
def _decoder(type: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(type)


def result_type(function: Callable[..., Any]) -> Any:
    """What a function is annotated to return; Any when it does not say."""
    return _hints(_plain(function)).get("return", Any)


def request_type(function: Callable[..., Any]) -> Any:
    """The annotation of a saga's second parameter, its request; Any when it does not say."""
    return _request_type(_plain(function))


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function behind wrappers and a bound method: both are made anew, so that no cache finds them."""
    while (inner := getattr(function, "__wrapped__", None)) is not None:
        function = inner
    return getattr(function, "__func__", function)


@functools.lru_cache(maxsize=512)
def _request_type(function: Callable[..., Any]) -> Any:
    names = [name for name in inspect.signature(function).parameters if name != "self"]
    return _hints(function).get(names[1], Any) if len(names) > 1 else Any


@functools.lru_cache(maxsize=512)
def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    told = inspect.isroutine(function) or "__annotations__" in getattr(function, "__dict__", ())
    target = function if told else type(function).__call__
    try:
        hints = typing.get_type_hints(target)
    except (NameError, TypeError):
        hints = dict(getattr(target, "__annotations__", {}))
    return {name: hint for name, hint in hints.items() if _can_decode(hint)}


def _can_decode(hint: Any) -> bool:
    try:
        _decoder(hint)
    except (TypeError, NameError):
        return False
    return not isinstance(hint, str)
