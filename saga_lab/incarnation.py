"""One incarnation of a saga: its hold on the journal, its replay, and its death."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, NoReturn, Protocol, TypeVar

from saga_lab import events as e
from saga_lab.calls import Guard
from saga_lab.errors import Cancelled, NotDeterministic, StepFailed, Suspended
from saga_lab.fold import fold
from saga_lab.journals import Fenced, Journal, Stale

L = TypeVar("L", bound=e.Line)
_TURNS = 20
_MORE_PATIENCE = 30


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> float:
        """Seconds since some fixed instant, the same for all workers of a journal."""

    async def sleep(self, seconds: float) -> None:
        """Return that much later."""


class Incarnation:
    """A worker's turn at one saga, from its start or its recovery to its end, a crash or a lost lease.

    `events` is the journal as far as this worker knows it, `record` what it said when the turn began.
    """

    def __init__(self, id: str, journal: Journal, clock: Clock, token: int, events: list[e.Event]) -> None:
        self.id = id
        self.clock = clock
        self.events = events
        self.record = fold(events)
        self.answers = self.record.answers
        self.dead: BaseException | None = None
        self.divergence: NotDeterministic | None = None
        self.tasks: set[asyncio.Future[Any]] = set()
        self.guards: set[Guard] = set()
        self.published: Callable[[Sequence[e.Event]], None] = lambda events: None
        self.resting: Callable[[float | None], None] = lambda seconds: None
        self._journal = journal
        self.token = token
        self._unwritten: list[e.Event] = []
        self._one_write = asyncio.Lock()
        self._unasked = self.record.to_be_asked()
        self._waiters: dict[str, list[asyncio.Future[None]]] = {}
        self._cancel_pending = self.record.cancel_asked and not self.record.cancel_raised

    # ---- writing

    def new(self, kind: Callable[..., L], *fields: Any, **named: Any) -> L:
        """An event of this saga, now."""
        return kind(*fields, **named, id=self.id, at=self.clock.now())

    async def write(self, *events: e.Event, unless: Callable[[], bool] = lambda: False) -> bool:
        """Append, durable on return. False, and nothing written, when `unless` became true meanwhile."""
        async with self._one_write:
            self.alive()
            waiting = len(self._unwritten)
            batch = [*self._unwritten, *events]
            while batch:
                if unless():
                    return False
                try:
                    await self._journal.append(self.id, batch, len(self.events), self.token)
                    break
                except Stale:
                    self._take_in(self._journal.read(self.id, len(self.events)))
                except BaseException as error:  # noqa: BLE001 - unwritten, so the incarnation is over
                    raise self.die(error) from None
            del self._unwritten[:waiting]
            self.events.extend(batch)
            self.published(batch)
            return True

    def write_later(self, event: e.Event) -> None:
        """Durable with the next write: for what nobody can see before that."""
        self._unwritten.append(event)

    def letter(self, reason: str, about: StepFailed | None = None, mark: str = "") -> e.Parked:
        """A dead letter; with a `mark` it is the saga's own, else the kernel's."""
        standing = tuple(step.begun.step for step in fold([*self.events, *self._unwritten]).standing)
        named = (about.step, about.key, about.attempts) if about else ("", "", 0)
        return self.new(e.Parked, reason, "saga" if mark else "kernel", mark, *named, standing)

    def letters(self) -> list[e.Parked]:
        return [event for event in (*self.events, *self._unwritten) if isinstance(event, e.Parked)]

    # ---- what comes from outside

    async def look_outside(self) -> None:
        """Take in what others appended."""
        async with self._one_write:
            if self.dead is None:
                self._take_in(self._journal.read(self.id, len(self.events)))

    def _take_in(self, events: Sequence[e.Event]) -> None:
        for event in events:
            if not isinstance(event, e.CancelAsked | e.PromiseAnswered):
                raise self.die(Fenced(f"another worker writes the journal of saga {self.id}"))
            self.events.append(event)
            self.published([event])
            if isinstance(event, e.CancelAsked):
                self._cancel_pending = True
                self.cut(Cancelled("the saga was cancelled"))
            else:
                self.answers[event.name] = event
                for waiter in self._waiters.pop(event.name, []):
                    if not waiter.done():
                        waiter.set_result(None)

    def answered(self, name: str) -> asyncio.Future[None]:
        """A future that is done once the promise has an answer."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(name, []).append(waiter)
        return waiter

    def cut(self, reason: Exception) -> None:
        """Cut off every call and wait that may be cut off."""
        for guard in list(self.guards):
            guard.cut(reason)

    def cancel_is_pending(self) -> bool:
        return self._cancel_pending

    async def raise_cancelled(self, verb: str, *events: e.Event) -> NoReturn:
        """The cancel reaches the saga here, and on every replay again."""
        self._cancel_pending = False
        await self.write(*events, self.new(e.CancelRaised, verb))
        raise Cancelled("the saga was cancelled")

    # ---- replaying

    def asked(self, *what: str) -> None:
        """The function asked for something that may be in the journal."""
        self._unasked.discard(what)

    async def go_live(self, verb: str) -> None:
        """From here the verb acts: all that is recorded was asked for, and a cancel that came is raised."""
        if verb in self.record.cancel_raised:
            raise Cancelled("the saga was cancelled")
        await self.catch_up(verb)
        if self._cancel_pending:
            await self.raise_cancelled(verb)

    async def catch_up(self, what: str) -> None:
        """Wait until the function has asked for all that its journal holds, or nothing moves any more.

        The branches of a gather need a turn each; one that waits on a clock of its own gets half a minute.
        """
        quiet = 0
        while left := len(self._unasked):
            await (asyncio.sleep(0) if quiet < _TURNS else self.clock.sleep(1))
            self.alive()
            quiet = 0 if len(self._unasked) < left else quiet + 1
            if quiet > _TURNS + _MORE_PATIENCE:
                raise self.diverged(f"asked for {what}")

    def check_end(self, undoing: bool = False) -> None:
        """The function is over: note what it should have asked for; undos not yet, if the kernel goes on."""
        left = [what for what in self._unasked if not (undoing and what[0] == "undo")]
        if self.divergence is None and left:
            self.diverged("ended")

    def diverged(self, how: str) -> NotDeterministic:
        """The replay took another way, which ends this incarnation's acting."""
        first = " ".join(min(self._unasked, default=()))
        instead = f", where the journal goes on with {first}" if first else ""
        self.divergence = self.divergence or NotDeterministic(
            f"the replay of saga {self.id} {how}{instead}. A saga must decide by its request and the "
            "answers of its steps alone; take times and random numbers from saga.now() and saga.random()"
        )
        return self.divergence

    def chance(self, what: str) -> float:
        """A number from 0 up to 1 that depends on the saga and on `what` alone."""
        return int.from_bytes(sha256(f"{self.id} {what}".encode()).digest()[:6], "big") / 2**48

    # ---- dying

    def alive(self) -> None:
        """Every verb of a dead incarnation stops here, so that none of it can act on the world."""
        if self.dead is not None:
            raise Suspended(f"this incarnation of saga {self.id} is dead: {self.dead!r}")
        if self.divergence is not None:
            raise self.divergence

    def die(self, error: BaseException) -> BaseException:
        """The process crashed, was closed, or lost its lease. Gives what to raise in the saga."""
        if self.dead is None:
            self.dead = error
            for task in self.tasks - {asyncio.current_task()}:
                task.cancel()
        return Suspended(str(error)) if isinstance(error, Exception) else error
