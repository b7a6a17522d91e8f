"""Candidates that say anything: turns as no engine makes them, and an honest one whose words are spoilt."""

from __future__ import annotations

import typing
from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import fields, replace

from saga_lab.events import Event
from saga_lab.sim.messages import Append, Call, Ended, GaveUp, Message, Order, Turn
from saga_lab.worlds.world import World

MOST_TURNS = 12
NUMBERS = st.one_of(st.integers(-2, 4), st.sampled_from([2**63, -(2**70), 10**30]))
FLOATS = st.one_of(
    st.sampled_from([0.0, -1.0, 1_767_258_000.0, 1_767_258_000.02, 1e300, -1e308]),
    st.floats(allow_nan=False, allow_infinity=False),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | FLOATS | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
DEEP = st.sampled_from([20, 60, 400, 900]).map(lambda deep: b"[" * deep + b"]" * deep)
RAW = st.builds(Raw, st.one_of(JSON.map(msgspec.json.encode), DEEP))


class Talker:
    """A port whose turns come from `say`, told the order and the length of the journal so far."""

    def __init__(self, say: Callable[[Order], Turn]) -> None:
        self._say = say

    def exchange(self, *orders: Order) -> list[Turn]:
        return [self._say(order) for order in orders]

    def close(self) -> None: ...


def turns(world: type[World], ids: list[str]) -> st.SearchStrategy[Turn]:
    """Turns that are well typed, and otherwise anything. A `version` of -1 stands for the right one."""
    message = st.one_of(_calls(world), _appends(ids), _appends(ids), _built(GaveUp, ids), _endings(world))
    return st.builds(Turn, st.lists(message, max_size=4), st.none() | st.integers(0, 99) | NUMBERS)


def _calls(world: type[World]) -> st.SearchStrategy[Message]:
    names = st.sampled_from([*world.operations, "", "payments", "__class__.x", "payments.__init__"])
    keys = st.sampled_from(["order-001/charge", "order-001/reserve", "", "\x00\x1b[2J", "k" * 999])
    usual = st.tuples(st.sampled_from(["cust-123", "order-001", "A"]), st.integers(-1, 9999))
    args = st.one_of(RAW, usual.map(lambda x: Raw(msgspec.json.encode(x))), st.just(Raw(b"[]")))
    return st.builds(Call, NUMBERS, names, keys, args, NUMBERS)


def _endings(world: type[World]) -> st.SearchStrategy[Message]:
    status = st.sampled_from(["completed", "failed", "manual_intervention_required", "", 17, None, [], {}])
    result = st.builds(lambda word: Raw(msgspec.json.encode({"status": word})), status)
    return st.builds(Ended, st.one_of(result, RAW), st.sampled_from(["", "E: x"]) | st.text(), NUMBERS)


def _appends(ids: list[str]) -> st.SearchStrategy[Message]:
    events = st.one_of([_built(kind, ids) for kind in typing.get_args(Event)])
    return st.builds(Append, st.lists(events, max_size=4), st.sampled_from([-1, -1, -1, 0, 5]))


def _built(kind: type, ids: list[str]) -> st.SearchStrategy[Any]:
    made = {field.name: _of(field.type, field.name, ids) for field in fields(kind)}
    return st.builds(kind, **made)


def _of(kind: Any, name: str, ids: list[str]) -> st.SearchStrategy[Any]:
    if name == "id":
        return st.sampled_from([*ids, *ids, *ids, "", "another"])
    if name == "at":
        return st.one_of(st.just(-7.0), FLOATS)
    if name in ("step", "mark", "name", "verb", "key"):
        words = ["charge", "reserve", "1", "approval", "order-001/charge", "order-001/reserve"]
        return st.sampled_from(words) | st.text(max_size=3)
    if kind is Raw:
        return RAW
    if kind is float:
        return FLOATS
    if kind is int:
        return NUMBERS
    return st.from_type(kind)


WAYS = ["leave out", "twice", "spoil", "before", "after", "sooner"]


def spoilt(turn: Turn, way: str, more: Turn, draw: Callable[..., Any]) -> Turn:
    """An honest turn with one thing wrong in it, or with what `more` says."""
    said = list(turn.messages)
    at = draw(st.integers(0, max(len(said) - 1, 0)))
    if way == "leave out":
        del said[at : at + 1]
    elif way == "twice":
        said[at:at] = said[at : at + 1]
    elif way == "before":
        said = [*more.messages, *said]
    elif way == "after":
        said = [*said, *more.messages]
    elif way == "spoil" and said:
        said[at] = _spoilt(said[at], [x for y in more.messages for x in (y, *getattr(y, "events", []))], draw)
    return Turn(said, more.wake if way == "sooner" else turn.wake)


def _spoilt(message: Any, others: list[Any], draw: Callable[..., Any]) -> Any:
    """One field of it, or of an event in it, is taken from another message of its kind."""
    if isinstance(message, Append) and message.events:
        at = draw(st.integers(0, len(message.events) - 1))
        events = [*message.events]
        events[at] = _spoilt(events[at], others, draw)
        return replace(message, events=events)
    donors = [other for other in others if type(other) is type(message)]
    if not donors:
        return message
    name = draw(st.sampled_from([field.name for field in fields(message)]))
    return replace(message, **{name: getattr(donors[0], name)})


def as_told(turn: Turn, order: Order, written: int) -> tuple[Turn, int]:
    """With the right version and time where a message leaves them open, as one who wants to be heard does."""
    now, said = (0 if order.__class__.__name__ == "End" else order.now), []  # type: ignore[union-attr]
    for message in turn.messages:
        if isinstance(message, Append):
            at = 1_767_258_000.0 + now / 1000
            events = [replace(x, at=at) if x.at == -7.0 else x for x in message.events]
            version = written if message.version == -1 else message.version
            message = Append(events, version)
            written += len(events)
        said.append(message)
    return Turn(said, turn.wake), written
