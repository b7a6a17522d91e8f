"""One worker's hold on one journal: writes in order, facts from outside, replay, and death."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NoReturn, Protocol

from saga_lab import events as e
from saga_lab.calls import Guard
from saga_lab.errors import Cancelled, NotDeterministic, Suspended
from saga_lab.fold import Record, fold
from saga_lab.journals import Fenced, Journal, Stale

_TURNS = 20
_LONGEST_REST = 3600.0


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> float:
        """Seconds since any fixed instant; the same for all workers of a journal."""

    async def sleep(self, seconds: float) -> None:
        """Return that much later."""


class Writer:
    """Holds a saga's lease and writes its journal, until it ends or another takes over."""

    def __init__(
        self,
        id: str,
        journal: Journal,
        clock: Clock,
        token: int,
        events: list[e.Event],
        publish: Callable[[Sequence[e.Event]], None],
        rest: Callable[[float | None], None],
    ) -> None:
        self._id = id
        self._journal = journal
        self._clock = clock
        self._token = token
        self.events = events
        self._publish = publish
        self._rest = rest
        self._unwritten: list[e.Event] = []
        self._one_write = asyncio.Lock()
        self._record: Record = fold(events)
        self._unasked = _to_be_asked(self._record)
        self._answers = self._record.answers
        self._waiters: dict[str, list[asyncio.Future[None]]] = {}
        self._cancel_pending = self._record.cancel_asked and not self._record.cancel_raised
        self._guards: set[Guard] = set()
        self.tasks: set[asyncio.Future[object]] = set()
        self.dead: BaseException | None = None
        self.divergence: NotDeterministic | None = None

    # ---------------------------------------------------------------- writing

    async def _write(self, *events: e.Event, unless: Callable[[], bool] | None = None) -> bool:
        """Append, durable on return. False, and nothing written, when `unless` became true meanwhile."""
        async with self._one_write:
            self._alive()
            waiting = len(self._unwritten)
            batch = [*self._unwritten, *events]
            while batch:
                if unless is not None and unless():
                    return False
                try:
                    await self._journal.append(self._id, batch, len(self.events), self._token)
                except Stale:
                    self._take_in(self._journal.read(self._id, len(self.events)))
                except BaseException as error:
                    raise self._die(error)  # noqa: B904 - it is the same one
                else:
                    break
            del self._unwritten[:waiting]
            self.events.extend(batch)
            self._publish(batch)
            return True

    def _write_later(self, event: e.Event) -> None:
        """Durable with the next write: for what nobody can see before that."""
        self._unwritten.append(event)

    def _all_events(self) -> list[e.Event]:
        return [*self.events, *self._unwritten]

    async def look_outside(self) -> None:
        """Take in what was appended from outside, if this worker is not just writing itself."""
        async with self._one_write:
            if self.dead is None:
                self._take_in(self._journal.read(self._id, len(self.events)))

    def _take_in(self, events: Sequence[e.Event]) -> None:
        for event in events:
            if isinstance(event, e.CancelAsked):
                self._cancel_pending = True
            elif isinstance(event, e.PromiseAnswered):
                self._answers[event.name] = event
            else:
                raise self._die(Fenced(f"another worker writes the journal of {self._id}"))
            self.events.append(event)
            self._publish([event])
            if isinstance(event, e.PromiseAnswered):
                for waiter in self._waiters.pop(event.name, []):
                    if not waiter.done():
                        waiter.set_result(None)
            else:
                for guard in list(self._guards):
                    guard.cut(Cancelled("the saga was cancelled"))

    def _waiting_for(self, name: str) -> asyncio.Future[None]:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(name, []).append(waiter)
        return waiter

    # ---------------------------------------------------------------- cancelling

    def _cancel_is_pending(self) -> bool:
        return self._cancel_pending

    async def _raise_cancelled(self, verb: str, *events: e.Event) -> NoReturn:
        self._cancel_pending = False
        await self._write(*events, e.CancelRaised(verb=verb, id=self._id, at=self._clock.now()))
        raise Cancelled("the saga was cancelled")

    # ---------------------------------------------------------------- replaying

    def _asked(self, what: tuple[str, str, str]) -> None:
        self._unasked.discard(what)

    async def _go_live(self, verb: str) -> None:
        """From here the verb acts: everything recorded was asked for, and a cancel that came is raised."""
        if self._unasked:
            await self._catch_up(verb)
        if verb in self._record.cancel_raised:
            raise Cancelled("the saga was cancelled")
        if self._cancel_pending:
            await self._raise_cancelled(verb)

    async def _catch_up(self, what: str) -> None:
        """Wait until the function has asked for all that its journal holds, or nothing moves any more."""
        quiet = 0
        while self._unasked:
            left = len(self._unasked)
            # Branches of a gather need a turn each; one that waits on a clock of its own gets half a minute.
            await (asyncio.sleep(0) if quiet < _TURNS else self._clock.sleep(1))
            self._alive()
            quiet = 0 if len(self._unasked) < left else quiet + 1
            if quiet > _TURNS + 30:
                raise self._diverged(what)

    def _diverged(self, what: str) -> NotDeterministic:
        kind, name, nth = min(self._unasked, default=("end", "", ""))
        goes_on = f", but the journal goes on with {kind} {name}{'#' + nth if nth else ''}" if name else ""
        self.divergence = self.divergence or NotDeterministic(
            f"replay took another way: it asked for {what}{goes_on}. A saga must decide by its request and by "
            "what its steps answered alone; take times and random numbers from saga.now() and saga.random()"
        )
        return self.divergence

    # ---------------------------------------------------------------- dying

    def _alive(self) -> None:
        """Every verb of a dead incarnation stops here, so that none of it can act on the world."""
        if self.dead is not None:
            raise Suspended(f"this incarnation of saga {self._id} is dead: {self.dead!r}")
        if self.divergence is not None:
            raise self.divergence

    def _die(self, error: BaseException) -> BaseException:
        if self.dead is None:
            self.dead = error
            current = asyncio.current_task()
            for task in self.tasks:
                if task is not current:
                    task.cancel()
        return error if not isinstance(error, Exception) else Suspended(str(error))

    def close(self) -> None:
        """As if the process had crashed here."""
        self._die(Suspended(f"the engine that ran saga {self._id} was closed"))

    # ---------------------------------------------------------------- letters

    def _letter(
        self, reason: str, by: str, step: str = "", key: str = "", attempts: int = 0, mark: str = ""
    ) -> e.Parked:
        standing = [record.begun.step for record in fold(self._all_events()).standing]
        return e.Parked(
            reason=reason,
            by="kernel" if by == "kernel" else "saga",
            mark=mark,
            step=step,
            key=key,
            attempts=attempts,
            still_done=tuple(standing),
            id=self._id,
            at=self._clock.now(),
        )


def _to_be_asked(record: Record) -> set[tuple[str, str, str]]:
    """What a replay has to ask for before anything new may happen."""
    steps = {("step", name, str(nth)) for name, nth in record.steps}
    undos = {("undo", key, "") for key in record.undos}
    sleeps = {("sleep", mark, "") for mark in record.timers}
    return steps | undos | sleeps | {("promise", mark, "") for mark in record.waits}
