"""The lines of a journal: everything a saga did, as plain data that survives a restart.

Every event carries the saga's `id` and `at`, the seconds of the engine's clock when it was written.
Values are kept as the JSON they travel in (`msgspec.Raw`), so that no saga can change what was written.
Steps of one name are told apart by `nth`, from 1; things without a name by `mark`, their number within
their branch of a `gather` ("2", or "1.0:2" for the second in the first branch of the first gather).
"""

from __future__ import annotations

from typing import Literal

from msgspec import Raw, Struct

Part = Literal["action", "undo", "check"]
Outcome = Literal["done", "refused", "unavailable", "in doubt"]
Decision = Literal["retry", "done", "skip"]
Why = Literal["pivot passed", "not deterministic", "recovery given up"]
NOTHING = Raw(b"null")


class Line(Struct, frozen=True, kw_only=True, gc=False, tag_field="type"):
    """What all events have."""

    id: str = ""
    at: float = 0.0


class Started(Line, frozen=True, gc=False, tag="started"):
    """The saga was accepted; its request is durable."""

    saga: str
    request: Raw


class Recovered(Line, frozen=True, gc=False, tag="recovered"):
    """Another incarnation took over after a crash."""


class StepBegun(Line, frozen=True, gc=False, tag="step begun"):
    """The intent, written before the call. From here on the step may have happened."""

    step: str
    nth: int
    key: str
    args: Raw
    undo: bool = False
    pivot: bool = False
    action: str = ""


class AttemptFailed(Line, frozen=True, gc=False, tag="attempt failed"):
    """One call brought no result. `pause`: seconds until the next one, None when there is none."""

    step: str
    nth: int
    key: str
    part: Part
    attempt: int
    outcome: Outcome
    reason: str
    pause: float | None = None


class StepEnded(Line, frozen=True, gc=False, tag="step ended"):
    """The outcome of a step. A step that is done has a reason only when a look-up found it.

    `cause`: the service's error behind a failure, so that a replay raises it from the same.
    """

    step: str
    nth: int
    key: str
    outcome: Outcome
    attempts: int
    value: Raw = NOTHING
    reason: str = ""
    code: str = ""
    cause: Raised | None = None


class UndoingBegan(Line, frozen=True, gc=False, tag="undoing began"):
    """The saga turned round."""


class UndoBegun(Line, frozen=True, gc=False, tag="undo begun"):
    """The intent to undo one step."""

    step: str
    key: str


class UndoEnded(Line, frozen=True, gc=False, tag="undo ended"):
    """The step is undone, or (`stuck`) its undo failed for good."""

    step: str
    key: str
    attempts: int
    stuck: bool = False
    outcome: Outcome = "done"
    reason: str = ""
    code: str = ""


class TimerSet(Line, frozen=True, gc=False, tag="timer set"):
    """A durable wait began; it ends at `until`, whatever crashes in between."""

    mark: str
    until: float


class TimerFired(Line, frozen=True, gc=False, tag="timer fired"):
    """The wait is over."""

    mark: str


class PromiseAwaited(Line, frozen=True, gc=False, tag="promise awaited"):
    """The saga waits for an answer from outside, until `until` if that is not None."""

    name: str
    mark: str
    until: float | None = None


class PromiseAnswered(Line, frozen=True, gc=False, tag="promise answered"):
    """The first answer, kept even if nobody waits yet. `refused`: it is an error, told by `reason`."""

    name: str
    value: Raw = NOTHING
    refused: bool = False
    reason: str = ""


class PromiseTimedOut(Line, frozen=True, gc=False, tag="promise timed out"):
    """The deadline came before an answer."""

    name: str


class DeadlineSet(Line, frozen=True, gc=False, tag="deadline set"):
    """A scope was entered that has until `until`, whatever crashes in between."""

    mark: str
    until: float


class DeadlinePassed(Line, frozen=True, gc=False, tag="deadline passed"):
    """`TimedOut` was raised in the saga by this verb, since the time of the scope `mark` was up."""

    mark: str
    verb: str


class Versioned(Line, frozen=True, gc=False, tag="versioned"):
    """The saga passed this marker of `saga.version` before anything after it was recorded."""

    name: str


class Noted(Line, frozen=True, gc=False, tag="noted"):
    """A reading of the clock that the saga asked for."""

    mark: str
    value: float


class Parked(Line, frozen=True, gc=False, tag="parked"):
    """A dead letter: what a person must do. `by`: who wrote it."""

    reason: str
    by: Literal["kernel", "saga"]
    mark: str = ""
    step: str = ""
    key: str = ""
    attempts: int = 0
    still_done: tuple[str, ...] = ()


class CancelAsked(Line, frozen=True, gc=False, tag="cancel asked"):
    """Someone wants the saga to stop."""


class CancelRaised(Line, frozen=True, gc=False, tag="cancel raised"):
    """`Cancelled` was raised in the saga by this verb (`step B#1`, `sleep 1`, `promise approval 1`)."""

    verb: str


class Returned(Line, frozen=True, gc=False, tag="returned"):
    """The saga function returned; this is the recorded result."""

    value: Raw


class Raised(Line, frozen=True, gc=False, tag="raised"):
    """An exception left the saga function. `kind` is `module:qualified name`; `cause`: what it is from."""

    kind: str
    reason: str
    step: str = ""
    key: str = ""
    attempts: int = 0
    code: str = ""
    cause: Raised | None = None


class Stuck(Line, frozen=True, gc=False, tag="stuck"):
    """The kernel cannot go on without a person."""

    why: Why
    reason: str


class Released(Line, frozen=True, gc=False, tag="released"):
    """A person let a stuck saga go on: try again, or take their word that it is done, or leave it."""

    decision: Decision


Event = (
    Started
    | Recovered
    | StepBegun
    | AttemptFailed
    | StepEnded
    | UndoingBegan
    | UndoBegun
    | UndoEnded
    | TimerSet
    | TimerFired
    | PromiseAwaited
    | PromiseAnswered
    | PromiseTimedOut
    | DeadlineSet
    | DeadlinePassed
    | Versioned
    | Noted
    | Parked
    | CancelAsked
    | CancelRaised
    | Returned
    | Raised
    | Stuck
    | Released
)

ENDINGS = (Returned, Raised, Stuck)
"""A saga whose journal ends with one of these goes on only if a person says so."""
