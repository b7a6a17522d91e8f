"""A participant: a service that remembers every key, so that repeats, undos and late arrivals are safe.

The contract is the sub-transaction barrier of DTM and Seata: a key that comes again gets its first
result; an undo that comes first leaves a tombstone that refuses the late action.
"""

from __future__ import annotations

import inspect
import typing
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from saga_lab.context import Lookup
from saga_lab.errors import Refused
from saga_lab.worlds.variation import USUAL, Variation
from saga_lab.worlds.world import Effect, Kind, Operation, Role

F = TypeVar("F", bound=Callable[..., Any])


def action(
    kind: Kind, *, about: int | None = None, window: float | None = None, look_up: bool = True
) -> Callable[[F], F]:
    """The method is an action: it takes the key first and raises Refused to say no.

    `window`: seconds for which a key is remembered (default: for ever). `look_up=False`: nobody can
    ask what became of it.
    """
    return _marked("action", kind, about=about, window=window, look_up=look_up)


def undo(of: str) -> Callable[[F], F]:
    """The method takes back an action that is known to be done."""
    return _marked("undo", "compensable", of=of)


def read(*, about: int | None = None, refusable: bool = False) -> Callable[[F], F]:
    """The method changes nothing."""
    return _marked("read", "read", about=about, refusable=refusable)


def _marked(role: Role, kind: Kind, **more: Any) -> Callable[[F], F]:
    def mark(method: F) -> F:
        method.__dict__["_mark"] = {"role": role, "kind": kind, **more}
        return method

    return mark


@dataclass(slots=True)
class Entry:
    """What a service remembers of a key."""

    operation: str
    state: Literal["done", "refused", "undone"]
    args: tuple[Any, ...] | None = None
    value: Any = None
    refusal: Refused | None = None
    at: float = 0.0


class Service(ABC):
    """A service with a memory per key. Subclasses say what their actions and undos change.

    `variation` is that of its world: ids which it gives out are `self.variation.name(...)`.
    """

    variation: Variation = USUAL

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.now = 0.0

    @abstractmethod
    def ledger(self) -> Any:
        """What a person sees who looks at this service."""

    def handle(self, operation: Operation, key: str, args: tuple[Any, ...], now: float) -> tuple[Effect, Any]:
        """Handle one request. Raises Refused when the service says no."""
        self.now = now
        if operation.role == "action":
            return self._act(operation, key, args)
        if operation.role == "undo":
            return self._undo(operation, key)
        if operation.role == "look-up":
            return "answered", self._look_up(operation, key)
        return "answered", getattr(self, operation.verb)(key, *args)

    def refuse(self, operation: Operation, key: str, args: tuple[Any, ...], now: float) -> tuple[Effect, Any]:
        """Say no, and keep it under the key; a key that is known answers what it answered first."""
        self.now = now
        if operation.role == "action":
            if key in self.entries:
                return self._act(operation, key, args)
            refusal = Refused(f"{operation.service} said no", "declined")
            self.entries[key] = Entry(operation.name, "refused", args, refusal=refusal, at=now)
            raise refusal
        raise Refused(f"{operation.service} said no", "no")

    def _act(self, operation: Operation, key: str, args: tuple[Any, ...]) -> tuple[Effect, Any]:
        entry = self.entries.get(key)
        method = getattr(self, operation.verb)
        forgotten = (
            operation.window is not None and entry is not None and self.now - entry.at > operation.window
        )
        if entry is not None and not forgotten:
            return self._again(operation, key, args, entry)
        try:
            value = method(key, *args)
        except Refused as refusal:
            self.entries[key] = Entry(operation.name, "refused", args, refusal=refusal, at=self.now)
            raise
        self.entries[key] = Entry(operation.name, "done", args, value, at=self.now)
        return "done", value

    def _again(
        self, operation: Operation, key: str, args: tuple[Any, ...], entry: Entry
    ) -> tuple[Effect, Any]:
        if entry.operation != operation.name or (entry.args is not None and entry.args != args):
            raise Refused(f"the key {key} was used before for something else", "conflict")
        if entry.state == "undone":
            raise Refused(f"the key {key} was undone before, so it can never be done", "no")
        if entry.refusal is not None:
            raise entry.refusal.with_traceback(None)
        return "repeated", entry.value

    def _undo(self, operation: Operation, key: str) -> tuple[Effect, Any]:
        entry = self.entries.get(key)
        if entry is None:
            self.entries[key] = Entry(operation.of, "undone", at=self.now)
            return "nothing", None
        if entry.operation != operation.of:
            raise Refused(f"the key {key} was used before for {entry.operation}", "conflict")
        if entry.state != "done":
            return "nothing", None
        getattr(self, operation.verb)(key)
        entry.state = "undone"
        return "undone", None

    def _look_up(self, operation: Operation, key: str) -> Lookup:
        entry = self.entries.get(key)
        if entry is None:
            return Lookup("unseen")
        return Lookup("done", entry.value) if entry.state == "done" else Lookup("undone")


def operations(services: dict[str, type[Service]], order: Iterable[str]) -> dict[str, Operation]:
    """The operations of a world: its actions and reads in `order`, then their undos, then look-ups.

    An action with a look-up gives its service a `find`.
    """
    found: dict[str, Operation] = {}
    for name, service in services.items():
        for verb, method in inspect.getmembers(service, inspect.isfunction):
            if mark := method.__dict__.get("_mark"):
                found[f"{name}.{verb}"] = _operation(name, verb, method, mark)
                if mark.get("look_up"):
                    found[f"{name}.find"] = Operation(f"{name}.find", "look-up", "read", f"{name}.{verb}", ())
    first = {name: found.pop(name) for name in order}
    roles: list[Role] = ["action", "read", "undo", "look-up"]
    rest = sorted(found.values(), key=lambda operation: (roles.index(operation.role), operation.name))
    return first | {operation.name: operation for operation in rest}


def _operation(service: str, verb: str, method: Callable[..., Any], mark: dict[str, Any]) -> Operation:
    hints = typing.get_type_hints(method)
    takes = [hints[parameter] for parameter in list(inspect.signature(method).parameters)[2:]]
    name = f"{service}.{verb}"
    of = f"{service}.{mark['of']}" if "of" in mark else name
    refusable = mark["role"] == "action" or bool(mark.get("refusable"))
    about, window = mark.get("about"), mark.get("window")
    return Operation(name, mark["role"], mark["kind"], of, tuple(takes), about, refusable, window)
