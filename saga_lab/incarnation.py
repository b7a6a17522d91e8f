"""One incarnation of a saga: its hold on the journal, its replay, and its death."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine, Sequence
from hashlib import sha256
from typing import Any, NoReturn, TypeVar

from saga_lab import events as e
from saga_lab.clock import Clock
from saga_lab.errors import Cancelled, NotDeterministic, StepFailed, Suspended, TimedOut
from saga_lab.fold import Record, fold
from saga_lab.guards import DEADLINES, INSTANT, Cut, Deadline, Guard
from saga_lab.journals import Fenced, Journal, JournalError, Stale

L = TypeVar("L", bound=e.Line)
R = TypeVar("R")
_TURNS = 20
_MORE_PATIENCE = 30


class Incarnation:
    """A worker's turn at one saga, from its start or its recovery to its end, a crash or a lost lease.

    `events` is the journal as far as this worker knows it, `record` what it said when the turn began.
    `pivot` is where the intent of a pivot stands that is done, or may be; -1 when nothing is final yet.
    `cancelled`: the saga was told so. `letters`: all that were ever written. `wakes`: until when it only
    waits, in seconds.
    """

    def __init__(
        self,
        id: str,
        journal: Journal,
        clock: Clock,
        token: int,
        events: Sequence[e.Event],
        record: Record,
        published: Callable[[str, Sequence[e.Event]], None],
    ) -> None:
        self.id = id
        self.clock = clock
        self.events = list(events)
        self.published = published
        self.record = record
        self.answers = self.record.answers
        self.dead: BaseException | None = None
        self.divergence: NotDeterministic | None = None
        self.pivot = -1
        self.undoing = self.record.undoing
        self.one_undo = asyncio.Lock()
        self.tasks: set[asyncio.Future[Any]] = set()
        self.guards: dict[Guard, None] = {}  # ordered, so that a cut strikes alike in every run
        self.wakes = 0.0
        self.journal = journal
        self.token = token
        self._unwritten: list[e.Event] = []
        self._one_write = asyncio.Lock()
        self._unasked = dict(self.record.due)
        self._waiters: dict[str, list[asyncio.Future[None]]] = {}
        self._flushing: asyncio.Handle | None = None
        self.cancelled = any(isinstance(event, e.CancelRaised) for event in self.record.raised_at.values())
        self.cancel_pending = self.record.cancel_asked and not self.cancelled
        self.letters = tuple(event for event in events if isinstance(event, e.Parked))

    # ---- writing

    def new(self, kind: Callable[..., L], *fields: Any) -> L:
        """An event of this saga, now."""
        return kind(*fields, id=self.id, at=self.clock.now())

    async def write(self, *events: e.Event, unless: Callable[[], R | None] = lambda: None) -> R | None:
        """Append, durable on return. Gives what `unless` said meanwhile, if anything: then nothing is."""
        await self._one_write.acquire()
        try:
            self.alive()
            waiting = len(self._unwritten)
            batch = [*self._unwritten, *events]
            while batch:
                if reason := unless():
                    return reason
                try:
                    await self.journal.append(self.id, batch, len(self.events), self.token)
                    break
                except Stale:
                    self._take_in(self.journal.read(self.id, len(self.events)))
                except BaseException as error:  # noqa: BLE001 - unwritten, so the incarnation is over
                    raise self.die(error) from None
            del self._unwritten[:waiting]
            self.events.extend(batch)
            self.published(self.id, batch)
            return None
        finally:
            self._one_write.release()
            self.flush_soon()

    def write_later(self, event: e.Event) -> None:
        """Durable with the next write, which comes before anything acts on the world, or when it waits."""
        self._unwritten.append(event)

    def flush_soon(self) -> None:
        """The saga, or a branch of it, waits: write what is left, if nothing else does."""
        if self._unwritten and self._flushing is None and self.dead is None:
            self._flushing = asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = None
        if self._unwritten and not (self.dead or self.divergence or self._one_write.locked()):
            self.spawn(self._write_rest())

    def spawn(self, errand: Coroutine[Any, Any, None]) -> None:
        """Run something on the side for as long as this incarnation lives."""
        task = asyncio.get_running_loop().create_task(errand)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _write_rest(self) -> None:
        try:
            await self.write()
        except BaseException:  # whoever waits for the end of a saga that died is told why
            if self.dead is None and self.divergence is None:
                raise

    def letter(self, reason: str, about: StepFailed | None = None, mark: str = "") -> e.Parked:
        """A dead letter; with a `mark` it is the saga's own, else the kernel's."""
        standing = tuple(step.begun.step for step in fold([*self.events, *self._unwritten]).standing)
        named = (about.step, about.key, about.attempts) if about else ("", "", 0)
        letter = self.new(e.Parked, reason, "saga" if mark else "kernel", mark, *named, standing)
        self.letters += (letter,)
        return letter

    # ---- what comes from outside

    async def look_outside(self) -> None:
        """Take in what others appended."""
        async with self._one_write:
            if self.dead is None:
                try:
                    self._take_in(self.journal.read(self.id, len(self.events)))
                except JournalError as error:  # what was appended would be missed
                    self.die(error)

    def _take_in(self, events: Sequence[e.Event]) -> None:
        for event in events:
            if not isinstance(event, e.CancelAsked | e.PromiseAnswered):
                raise self.die(Fenced(f"another worker writes the journal of saga {self.id}"))
            self.events.append(event)
            self.published(self.id, [event])
            if isinstance(event, e.CancelAsked):
                self.cancel_pending = True
                self.cut(Cut())
            else:
                self.answers[event.name] = event
                for waiter in self._waiters.pop(event.name, []):
                    if not waiter.done():
                        waiter.set_result(None)

    def rests(self, seconds: float | None) -> None:
        """The saga only waits now, for somebody or for so many seconds."""
        self.wakes = math.inf if seconds is None else self.clock.now() + seconds

    def answered(self, name: str) -> asyncio.Future[None]:
        """A future that is done once the promise has an answer."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(name, []).append(waiter)
        return waiter

    # ---- cutting off

    def cut(self, cut: Cut) -> None:
        """Cut off every call and wait that may be cut off; those in the scope alone when its time is up."""
        for guard in list(self.guards):
            if cut.deadline is None or cut.deadline in guard.deadlines:
                guard.cut(cut)

    def deadline(self, mark: str, seconds: float) -> Deadline:
        """The deadline of a scope that is entered now: the same on every replay."""
        until = self.record.deadlines.get(mark)
        if until is None:
            until = self.clock.now() + seconds
            self.write_later(self.new(e.DeadlineSet, mark, until))
        told = self.record.raised_at.values()
        raised = any(isinstance(event, e.DeadlinePassed) and event.mark == mark for event in told)
        deadline = Deadline(mark, until, raised)
        self._watch(deadline)
        return deadline

    def _watch(self, deadline: Deadline) -> None:
        """See to it that what waits when a scope's time is up is cut off, unless it is at its pivot."""

        def check() -> None:
            if deadline.until - self.clock.now() > INSTANT:
                self._watch(deadline)
            elif self.pivot < 0 and not deadline.raised:
                self.cut(Cut(deadline))

        left = max(0.0, deadline.until - self.clock.now())
        deadline.timer = asyncio.get_running_loop().call_later(left, check)

    def cut_due(self) -> Cut | None:
        """What keeps the saga from beginning anything: a cancel, or the deadline of a scope around it."""
        if self.cancel_pending:
            return Cut()
        if self.pivot < 0:
            for deadline in DEADLINES.get():
                if not deadline.raised and deadline.until - self.clock.now() <= INSTANT:
                    return Cut(deadline)
        return None

    async def raise_cut(self, verb: str, cut: Cut) -> NoReturn:
        """The cancel or the deadline reaches the saga here, once, and on every replay again."""
        event: e.CancelRaised | e.DeadlinePassed
        if cut.deadline is None:
            self.cancel_pending, self.cancelled = False, True
            event = self.new(e.CancelRaised, verb)
        else:
            cut.deadline.raised = True
            event = self.new(e.DeadlinePassed, cut.deadline.mark, verb)
        await self.write(event)
        raise _told(event)

    def raise_again(self, verb: str) -> None:
        """Raise what was raised at this verb before."""
        if event := self.record.raised_at.get(verb):
            raise _told(event)

    # ---- replaying

    def asked(self, *what: str) -> None:
        """The function asked for something that may be in the journal."""
        self._unasked.pop(what, None)

    @property
    def replaying(self) -> bool:
        """The journal goes on beyond what the function has asked for."""
        return bool(self._unasked)

    async def begin(self, verb: str, intent: e.Event | None = None) -> None:
        """From here the verb acts: all that is recorded was asked for, and its intent is durable."""
        self.raise_again(verb)
        if self._unasked:
            await self.catch_up(verb)
        cut = self.cut_due() if intent is None else await self.write(intent, unless=self.cut_due)
        if cut is not None:
            await self.raise_cut(verb, cut)

    async def catch_up(self, what: str, before: float = math.inf) -> None:
        """Wait until the function has asked for what its journal holds `before` a place, or nothing moves.

        The branches of a gather need a turn each; one that waits on a clock of its own gets half a minute.
        """
        quiet, last = 0, 0
        while self._unasked and (left := sum(order < before for order in self._unasked.values())):
            quiet = quiet + 1 if left == last else 0
            last = left
            if quiet > _TURNS + _MORE_PATIENCE:
                raise self.diverged(f"asked for {what}")
            await (asyncio.sleep(0) if quiet < _TURNS else self.clock.sleep(1))
            self.alive()

    def check_end(self, but: str = "") -> None:
        """The function is over: raises NotDeterministic when its journal has more than it asked for."""
        if self.divergence is None and self._unasked and any(kind != but for kind, *_ in self._unasked):
            self.diverged("ended")
        self.alive()

    def diverged(self, how: str) -> NotDeterministic:
        """The replay took another way, which ends this incarnation's acting."""
        first = " ".join(next(iter(self._unasked), ()))
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
        if isinstance(error, asyncio.CancelledError):
            error = Suspended(_CANCELLED)
        if self.dead is None:
            self.dead = error
            if not isinstance(error, GeneratorExit):  # its loop is gone, and all tasks with it
                for task in self.tasks - {asyncio.current_task()}:
                    task.cancel()
        return Suspended(str(error)) if isinstance(error, Exception) else error


_CANCELLED = (
    "the saga's task was cancelled: its engine was closed, its event loop ended, or it ran a verb under "
    "asyncio.timeout or asyncio.wait_for, which no replay can repeat. Nothing was undone, and recover() goes "
    "on with it. For a time limit use the step's timeout, or saga.scope(within=...)"
)


def _told(event: e.CancelRaised | e.DeadlinePassed) -> Exception:
    if isinstance(event, e.CancelRaised):
        return Cancelled("the saga was cancelled")
    return TimedOut("the time of this scope was up")
