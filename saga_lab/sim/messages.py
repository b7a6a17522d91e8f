"""What scheduler and candidate tell each other: plain data, the same in one process and in two."""

from __future__ import annotations

from typing import Literal, Protocol, runtime_checkable

from msgspec import Raw, Struct

from saga_lab.events import NOTHING, Event


class Call(Struct, frozen=True, gc=False, tag="call"):
    """The saga asks a service; `args` is a JSON array, `line` the learner's line that waits."""

    number: int
    operation: str
    key: str
    args: Raw
    line: int = 0


class GaveUp(Struct, frozen=True, gc=False, tag="gave up"):
    """The caller no longer waits for the answer to this call."""

    number: int


class Append(Struct, frozen=True, gc=False, tag="append"):
    """A write to the journal at `version`. A write that is refused ends the incarnation."""

    events: list[Event]
    version: int


class Ended(Struct, frozen=True, gc=False, tag="ended"):
    """Whoever started the saga got its result, or what left it as text; `line` is the last one run."""

    result: Raw = NOTHING
    error: str = ""
    line: int = 0


def in_words(kind: str, reason: str) -> str:
    """What left a saga: `StepFailed: charge`, or the kind alone when it gives no reason."""
    return ": ".join(filter(None, (kind, reason)))


Message = Call | GaveUp | Append | Ended


class Turn(Struct, frozen=True, gc=False):
    """What the candidate did until it could only wait; `wake`: when its next timer is due, in ms."""

    messages: list[Message]
    wake: int | None = None


class Begin(Struct, frozen=True, gc=False, tag="begin"):
    """A new incarnation at `now` ms. With a `journal` it recovers, or (`again`) submits once more.

    It takes the place of the one in the same `life`; those in other lives run beside it, each as in a
    process of its own.
    """

    id: str
    request: Raw
    journal: list[Event]
    now: int
    again: bool = False
    lines: bool = False
    life: int = 0


class Reply(Struct, frozen=True, gc=False):
    """The answer to a call, or the error that the caller sees in its place."""

    number: int
    value: Raw = NOTHING
    error: Literal["", "refused", "unavailable", "lost"] = ""
    reason: str = ""
    code: str = ""


class Deliver(Struct, frozen=True, gc=False, tag="deliver"):
    """It is `now` ms: timers that are due fire, then the replies arrive.

    `facts`: what others appended to the journal meanwhile, known before anybody acts on a timer.
    """

    now: int
    replies: list[Reply]
    facts: list[Event] = []
    life: int = 0


class End(Struct, frozen=True, gc=False, tag="end"):
    """The process of this life is gone; the turn that answers is empty."""

    life: int


Order = Begin | Deliver | End


@runtime_checkable
class Port(Protocol):
    """A candidate, wherever it runs."""

    def exchange(self, *orders: Order) -> list[Turn]:
        """One turn of its loop for each order, one after another."""

    def close(self) -> None:
        """It is not needed any more."""
