"""What scheduler and candidate tell each other: plain data, the same in one process and in two."""

from __future__ import annotations

from typing import Literal

from msgspec import Raw, Struct

from saga_lab.events import NOTHING, Event


class Call(Struct, frozen=True, tag="call"):
    """The saga asks a service; `args` is a JSON array, `line` the learner's line that waits."""

    number: int
    operation: str
    key: str
    args: Raw
    line: int = 0


class GaveUp(Struct, frozen=True, tag="gave up"):
    """The caller no longer waits for the answer to this call."""

    number: int


class Append(Struct, frozen=True, tag="append"):
    """A write to the journal at `version`. A write that is refused ends the incarnation."""

    events: list[Event]
    version: int


class Ended(Struct, frozen=True, tag="ended"):
    """Whoever started the saga got its result, or what left it as text; `line` is the last one run."""

    result: Raw = NOTHING
    error: str = ""
    line: int = 0


Message = Call | GaveUp | Append | Ended


class Turn(Struct, frozen=True):
    """What the candidate did until it could only wait; `wake`: when its next timer is due, in ms."""

    messages: list[Message]
    wake: int | None = None


class Begin(Struct, frozen=True, tag="begin"):
    """A new incarnation at `now` ms. With a `journal` it recovers, or (`again`) submits once more."""

    id: str
    request: Raw
    journal: list[Event]
    now: int
    again: bool = False
    lines: bool = False


class Reply(Struct, frozen=True):
    """The answer to a call, or the error that the caller sees in its place."""

    number: int
    value: Raw = NOTHING
    error: Literal["", "refused", "unavailable", "lost"] = ""
    reason: str = ""
    code: str = ""


class Deliver(Struct, frozen=True, tag="deliver"):
    """It is `now` ms: timers that are due fire, then the replies arrive."""

    now: int
    replies: list[Reply]


Order = Begin | Deliver
