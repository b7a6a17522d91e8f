"""What an engine may say. All else is a BadMessage, before it reaches a world, a rule or a story."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

import msgspec
from msgspec import Raw

from saga_lab import events as e
from saga_lab.sim.candidate import EPOCH
from saga_lab.sim.messages import Append, Call, Ended
from saga_lab.sim.port import BadMessage
from saga_lab.sim.worker import Saga
from saga_lab.worlds.world import Operation

DEEPEST = 32
"""Levels of lists and objects in one value: what is deeper could exhaust the stack of whoever reads it."""
_FROM_OUTSIDE = (e.CancelAsked, e.PromiseAnswered, e.Released)


def hear_call(
    call: Call, operations: Mapping[str, Operation], waiting: Container[int]
) -> tuple[Operation, list[Any]]:
    """What is asked for, and its arguments. Raises BadMessage."""
    operation, args = operations.get(call.operation), _plain(call.args)
    if operation is None or not isinstance(args, list) or call.number in waiting:
        raise BadMessage(f"call {call.number} of {call.operation!r} with {args!r}")
    return operation, args


def hear_append(append: Append, saga: Saga, now: float) -> None:
    """A write of the saga's own, about itself, of a time up to now (seconds). Raises BadMessage."""
    request = saga.request
    if append.version != len(saga.journal):
        raise BadMessage(f"an append at version {append.version} of a journal at {len(saga.journal)}")
    for place, event in enumerate(append.events, append.version):
        told = str(event.__struct_config__.tag)
        if event.id != saga.id or not EPOCH <= event.at <= now:  # an event may wait for the next write
            raise BadMessage(f"{told!r} of the saga {event.id!r} at {event.at}")
        if isinstance(event, _FROM_OUTSIDE):
            raise BadMessage(f"{told!r}, which only people outside write")
        if isinstance(event, e.Started) != (place == 0) or getattr(event, "request", request) != request:
            raise BadMessage(f"{told!r} at {place} of a journal, where a saga begins once, with its request")
        if isinstance(event, e.StepBegun):
            saga.begun.add((event.step, event.nth))
        elif isinstance(event, e.StepEnded) and (event.step, event.nth) not in saga.begun:
            raise BadMessage(f"the end of a step {event.step!r} that never began")
        for value in (getattr(event, name, None) for name in ("args", "value")):
            if isinstance(value, Raw):
                _plain(value)


def hear_end(ended: Ended) -> None:
    """A result that can be read. Raises BadMessage."""
    _plain(ended.result)


def _plain(raw: Raw) -> Any:
    """A value, not too deep to be read by anybody."""
    if sum(map(bytes(raw).count, (b"[", b"{"))) > DEEPEST and _depth(bytes(raw)) > DEEPEST:
        raise BadMessage("a value that is nested too deep")
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadMessage(f"a value that is no JSON: {error}") from None


def _depth(raw: bytes) -> int:
    """How deep lists and objects are nested; what stands within a text does not count."""
    deep = deepest = 0
    quoted = escaped = False
    for byte in raw:
        if quoted:
            quoted, escaped = escaped or byte != 0x22, not escaped and byte == 0x5C
        elif byte == 0x22:
            quoted = True
        elif byte in b"[{":
            deep += 1
            deepest = max(deepest, deep)
        elif byte in b"]}":
            deep -= 1
    return deepest
