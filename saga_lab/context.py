"""The verbs: the whole vocabulary of a saga, without an implementation in sight.

A saga is an `async` function of a context, a request, and the services it calls. It is written
against this page alone, so it runs on any engine that speaks it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any, Literal, TypeVar
from uuid import UUID

from msgspec import Struct

from saga_lab.errors import StepFailed
from saga_lab.retry import Retry

T = TypeVar("T")
Action = Callable[..., Awaitable[T]]
"""A service's operation: takes the idempotency key, then its own arguments."""
Undo = Callable[[str], Awaitable[Any]]
"""Takes the key of the step alone; succeeds when there is nothing to undo."""
Seconds = float | timedelta
OnStuck = Literal["stop", "continue"]


class Lookup(Struct, frozen=True):
    """What a service answers about a key: `unseen` is no comfort, the request may still be on its way."""

    state: Literal["done", "unseen", "undone"]
    value: Any = None


Check = Callable[[str], Awaitable[Lookup]]


class SagaContext(ABC):
    """What a saga can do."""

    @property
    @abstractmethod
    def id(self) -> str:
        """The saga's id, chosen by who started it."""

    @abstractmethod
    async def step(
        self,
        name: str,
        action: Action[T],
        *args: Any,
        compensate: Undo | None = None,
        check: Check | None = None,
        retry: Retry = Retry(),  # noqa: B008 - frozen
        timeout: Seconds | None = 30,
        pivot: bool = False,
        key: str | None = None,
    ) -> T:
        """Call `action(key, *args)` once, as far as the world can see, and give its value.

        The undo is registered before the call. `timeout` bounds one attempt, in seconds. After the
        `pivot` nothing is undone any more. The same name again has the same key and must have the
        same arguments.

        Raises `Refused`, `Unavailable` or `InDoubt` (all `StepFailed`); `Cancelled`; `ValueError` and
        `RuntimeError` on misuse; `TypeError` when arguments cannot be written to a journal.
        """

    @abstractmethod
    async def compensate(self, on_stuck: OnStuck = "stop") -> None:
        """Undo every step of this scope that is done or in doubt, newest first, once.

        With `"continue"` a stuck undo does not keep older ones from being tried.
        Raises `CompensationFailed` when an undo failed for good, `PivotPassed` after the pivot.
        """

    @abstractmethod
    def scope(
        self, on_stuck: OnStuck = "stop", within: Seconds | None = None
    ) -> AbstractAsyncContextManager[None]:
        """A save-point (Garcia-Molina and Salem, 1987): leaving it with an error undoes what began inside.

        `within` is a deadline for all that is inside, in seconds from when it was first entered: then
        `TimedOut` is raised, once, at what the saga awaits (a call that it cuts off is in doubt). Undos
        run to their end, and from the pivot's intent on it is too late.
        """

    @abstractmethod
    async def gather(self, *steps: Coroutine[Any, Any, Any]) -> list[Any]:
        """Run steps side by side until all have settled; then raise the first failure as declared."""

    @abstractmethod
    async def sleep(self, seconds: Seconds) -> None:
        """Wait until the time fixed when the wait began, whatever crashes in between."""

    @abstractmethod
    async def promise(self, name: str, type: Any = None, timeout: Seconds | None = None) -> Any:
        """Wait for the first answer from outside, kept if it came early, as a value of `type`.

        Raises `TimedOut` at the deadline (a tie goes to the timer), `Refused` when the answer is an error.
        """

    @abstractmethod
    def park(self, reason: str, failure: StepFailed | None = None) -> Awaitable[None]:
        """Write a dead letter: what a person must do, about `failure` (default: the last one).

        Durable with the saga's next event; awaiting it is allowed and changes nothing.
        """

    @abstractmethod
    def key(self, step: str) -> str:
        """The idempotency key of a step: `"<saga id>/<step name>"`."""

    @abstractmethod
    def version(self, name: str) -> bool:
        """True in sagas that came here with this code, False in older ones that went on without it.

        The marker of a change: `if saga.version("check-stock"): await saga.step(...)`. A saga that went
        past this point before the marker existed keeps its old way. Take the marker out when
        no saga from before is unfinished. (Temporal calls it a patch.)
        """

    @abstractmethod
    def now(self) -> float:
        """The time in seconds, the same on every replay."""

    @abstractmethod
    def uuid(self) -> UUID:
        """An identifier, another at each call, the same on every replay."""

    @abstractmethod
    def random(self) -> float:
        """A number from 0 up to 1, another at each call, the same on every replay."""
