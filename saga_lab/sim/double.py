"""Playing twice: what a saga said in each run, and where the two part."""

from __future__ import annotations

import itertools

import msgspec
from msgspec import Raw

from saga_lab import events as e
from saga_lab.sim.messages import Append, Call, Ended, GaveUp, Message, Order, Port, Turn
from saga_lab.sim.trace import Trace
from saga_lab.values import text


class Recorder:
    """A port that keeps what the candidate answered."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self.turns: list[Turn] = []

    def exchange(self, *orders: Order) -> list[Turn]:
        turns = self._port.exchange(*orders)
        self.turns += turns
        return turns

    def close(self) -> None:
        self._port.close()


def difference(one: list[Turn], other: list[Turn]) -> tuple[str, str] | None:
    """The first thing that two runs of one scenario did differently, in words; None when all is equal."""
    if msgspec.json.encode(one) == msgspec.json.encode(other):
        return None
    return _where(_said(one), _said(other)) or ("waits for one time", "waits for another")


def parted(one: Trace, other: Trace) -> tuple[str, str] | None:
    """The same for two runs as they were recorded: what they asked for, and what came of it."""
    if msgspec.json.encode(one) == msgspec.json.encode(other):
        return None
    return _where(_asked(one), _asked(other)) or ("took one time", "took another")


def _where(one: list[Message], other: list[Message]) -> tuple[str, str] | None:
    """Where they part, in words, or letter by letter when the words are the same."""
    for first, second in itertools.zip_longest(one, other):
        if msgspec.json.encode(first) != msgspec.json.encode(second):
            told = _in_words(first), _in_words(second)
            return told if told[0] != told[1] else (_exactly(first), _exactly(second))
    return None


def _said(turns: list[Turn]) -> list[Message]:
    return [message for turn in turns for message in turn.messages]


def _asked(trace: Trace) -> list[Message]:
    calls = [Call(0, r.operation, r.key, Raw(msgspec.json.encode(r.args))) for r in trace.requests]
    return [*calls, Ended(Raw(msgspec.json.encode(trace.result)), trace.error)]


def _in_words(message: Message | None) -> str:
    match message:
        case None:
            return "does nothing more"
        case Call():
            return f"calls {message.operation}{text(message.args)} under key {message.key}"
        case GaveUp():
            return f"gives up call {message.number}"
        case Ended():
            return f"raises {message.error}" if message.error else f"returns {text(message.result)}"
        case Append():
            return "writes " + ", ".join(_event(event) for event in message.events)


def _event(event: e.Event) -> str:
    if isinstance(event, e.StepBegun):
        return f"the intent of step {event.step}{text(event.args)} under key {event.key}"
    if isinstance(event, e.Returned):
        return f"the result {text(event.value)}"
    return f"{str(event.__struct_config__.tag)!r}"


def _exactly(message: Message | None) -> str:
    return msgspec.json.encode(message).decode()
