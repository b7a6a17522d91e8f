"""What happened in one simulated run, as plain data: the source of every verdict, story and picture.

Times are whole milliseconds of virtual time since the run began. Nothing here is live: a trace can be
encoded, kept, compared byte for byte and drawn again.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from saga_lab.events import Event
from saga_lab.worlds.world import Effect, Kind, Role

Answer = Literal["", "value", "refused", "unavailable", "lost"]


class Request(Struct, frozen=True, gc=False):
    """One request of a saga to a service, and what became of it.

    `about` is the thing that brackets name in a token, for an undo and a look-up that of the action under
    the key; "" when there is none. `nth` counts the requests of this operation (about this thing), from 1;
    `attempt` those of this operation and key.
    `fault` is the kind of fault that struck here, as written in the token (`lost`, `late=1h`), or "".
    `effects`: when the service handled it (never, when it did not arrive; twice, when delivered twice),
    each with what it meant: the action was `done`, `refused` or `repeated` (first result given again),
    the undo made it `undone` or found `nothing` to undo, a look-up was `answered`.
    `answered` is when the saga's side learned something, and `answer` what; "" when it never did.
    `given_up` is when the caller stopped waiting. `line` is the learner's line that was waiting. `saga`
    is the id of the saga that sent it.
    """

    number: int
    operation: str
    role: Role
    kind: Kind
    key: str
    args: tuple[Any, ...]
    nth: int
    attempt: int
    incarnation: int
    sent: int
    fault: str = ""
    effects: tuple[tuple[int, Effect], ...] = ()
    answered: int | None = None
    answer: Answer = ""
    value: Any = None
    reason: str = ""
    code: str = ""
    given_up: int | None = None
    line: int = 0
    saga: str = ""
    about: str = ""

    @property
    def service(self) -> str:
        """`payments` of `payments.charge`."""
        return self.operation.partition(".")[0]


class Crash(Struct, frozen=True, gc=False):
    """The saga's process was down from `at` to `up`; `site` is where the fault struck."""

    at: int
    up: int
    site: str


class Instant(Struct, frozen=True, gc=False):
    """The services' ledgers right after request `number` changed something; number 0 is the beginning.

    `by`: the rival who did it, right after that request or at a later chance; `time` when something
    happened by itself; else "".
    """

    at: int
    number: int
    ledgers: dict[str, Any]
    by: str = ""


class Outside(Struct, frozen=True, gc=False):
    """Somebody outside told a saga something at `at`; not `accepted` means too late: a Conflict.

    `what`: a `cancel`, or an `answer` to the promise `name`. `saga` is its id.
    """

    at: int
    saga: str
    what: Literal["cancel", "answer"]
    name: str = ""
    accepted: bool = True


class Trace(Struct, frozen=True, gc=False):
    """One run. `token` repeats it. `ended` is when the result became durable, None if it never did.

    `result` is what the saga returned, as plain data; `error` says what left it instead. `stopped` says
    why a run without an end was broken off. `again` is the answer to the same request submitted once
    more, `conflict` what another request under the same id was told (it must be a Conflict). `journal`
    holds the saga's events; their `at` is in seconds of the world's clock, and `epoch` is that clock's
    reading at millisecond 0. `line` is the learner's line that ran last.

    `outside`: what was told from outside. `deadlines`: instants at which something of the world expires,
    each with when that became known. `others`: the other sagas of this run, each told like this one;
    `requests`, `instants`, `outside` and `crashes` are those of the whole run, the same in each.
    """

    token: str
    case: str
    saga: str
    epoch: float
    requests: tuple[Request, ...]
    crashes: tuple[Crash, ...]
    journal: tuple[Event, ...]
    instants: tuple[Instant, ...]
    result: Any = None
    error: str = ""
    ended: int | None = None
    stopped: str = ""
    again: Any = None
    conflict: str = ""
    line: int = 0
    outside: tuple[Outside, ...] = ()
    deadlines: tuple[tuple[int, int], ...] = ()
    others: tuple[Trace, ...] = ()
