"""What can go wrong: the three outcomes of a step, and the errors of the engine itself."""

from __future__ import annotations

from collections.abc import Sequence


class StepFailed(Exception):
    """A step was given up. Catch this one to undo; catch its three kinds to tell them apart.

    `step`, `key` and `attempts` say which one; the service's own error is chained as the cause.
    A service raises the kinds without them, the kernel fills them in.
    """

    def __init__(self, reason: str = "", *, step: str = "", key: str = "", attempts: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.step = step
        self.key = key
        self.attempts = attempts

    def __str__(self) -> str:
        if not self.step:
            return self.reason
        times = "1 attempt" if self.attempts == 1 else f"{self.attempts} attempts"
        return f"{self.step}: {self.reason} ({times}, key {self.key})"


class Refused(StepFailed):
    """The service said no. Nothing happened, and under this key nothing ever will."""

    def __init__(
        self, reason: str = "", code: str = "", *, step: str = "", key: str = "", attempts: int = 0
    ) -> None:
        super().__init__(reason, step=step, key=key, attempts=attempts)
        self.code = code


class Unavailable(StepFailed):
    """The service was never reached. Nothing happened."""


class InDoubt(StepFailed):
    """No answer came, so it may or may not have happened. Undo it: an undo never needs to know."""


class CompensationFailed(Exception):
    """An undo failed for good, so the saga cannot keep its promise without a person.

    `failures` holds the undos' errors; `original` is what went wrong before, if anything did.
    """

    def __init__(self, failures: Sequence[StepFailed], original: BaseException | None = None) -> None:
        super().__init__("could not undo " + "; ".join(str(failure) for failure in failures))
        self.failures = list(failures)
        self.original = original


class TimedOut(Exception):
    """A promise was not answered before its deadline."""


class Cancelled(Exception):
    """Someone asked the saga to stop. Raised once; what is registered is still undone."""


class Conflict(Exception):
    """The engine has already settled this: another request under the id, or a promise already answered."""


class PivotPassed(Exception):
    """Asked to undo after the point of no return. From there a saga can only go forward."""


class NotDeterministic(BaseException):
    """A replay took another way than the journal tells; no `except Exception` may hide that."""


class Suspended(BaseException):
    """This incarnation of the saga is dead: its process crashed, was closed, or lost its lease."""
