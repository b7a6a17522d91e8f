"""The engine: starts sagas, answers for them, and takes over those whose worker is gone."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Self
from uuid import uuid4

from saga_lab import events as e
from saga_lab.clock import Clock, SystemClock
from saga_lab.context import Seconds
from saga_lab.driver import SagaFunction, drive
from saga_lab.errors import Conflict
from saga_lab.fold import Record, State, fold
from saga_lab.incarnation import Incarnation
from saga_lab.journals import Journal, JournalError, Only, Stale
from saga_lab.life import Heartbeat, Life
from saga_lab.outside import may_answer, may_cancel, released
from saga_lab.run import Run
from saga_lab.values import to_json
from saga_lab.waits import in_seconds

Observer = Callable[[e.Event], None]
_WHERE: dict[State, Only] = {
    State.STUCK: "parked",
    State.COMPENSATED: "turned",
    State.COMPLETED: "all",
}
"""Where those in a state are found, so that few others are read: most sagas complete."""
MOST_RECOVERIES = 10
"""Recoveries without progress in between, after which a saga is parked."""
_log = logging.getLogger("saga_lab")


class Engine:
    """Runs sagas over a journal.

    `clock` has `now() -> float` and `async sleep(seconds)`. `lease`: seconds after which a silent
    worker's sagas are free. `observers` are called with each event; none can break a saga.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        clock: Clock | None = None,
        lease: float = 30,
        observers: Sequence[Observer] = (),
    ) -> None:
        self.journal = journal
        self.clock = clock or SystemClock()
        self._lease = lease
        self._observers = tuple(observers)
        self._worker = uuid4().hex
        self._sagas: dict[str, tuple[SagaFunction, tuple[Any, ...]]] = {}
        self._lives: dict[str, Life] = {}
        self._readers: dict[str, list[asyncio.Event]] = {}
        self._heart = Heartbeat(self._lives, lease)
        journal.watch(self._look_outside)

    # ---- starting

    def register(self, function: SagaFunction, *services: Any, name: str | None = None) -> None:
        """Make a saga known under `name` (its function's by default), so that it can be recovered."""
        self._sagas[name or _name(function)] = (function, services)

    async def start(self, function: SagaFunction, request: Any, *services: Any, id: str | None = None) -> Run:
        """Run a saga once per id. The same id and request again give the same run.

        Raises `Conflict` when the id belongs to another request, TypeError when that is not plain data.
        """
        name = _name(function)
        if services or name not in self._sagas:
            self.register(function, *services)
        id = uuid4().hex if id is None else id
        raw = to_json(request, "the request of saga", name)
        started = e.Started(saga=name, request=raw, id=id, at=self.clock.now())
        while True:
            with suppress(Stale):
                if (token := await self._claim(id, [started], 0)) is not None:
                    self._publish(id, [started])
                    self._live(id, token, [started], Record(started))
                    return Run(id, self)
            if held := self.journal.read(id):
                break
        first = held[0]
        if not isinstance(first, e.Started) or (first.saga, first.request) != (name, raw):
            raise Conflict(f"saga {id!r} was started before with another request: choose a new id")
        await self.adopt(id)
        return self.get(id)

    # ---- asking

    def get(self, id: str) -> Run:
        """A handle by id; LookupError when there is no such saga."""
        self._read(id)
        return Run(id, self)

    def list(
        self,
        *,
        state: State | str | None = None,
        name: str | None = None,
        older_than: Seconds | None = None,
    ) -> Sequence[Run]:
        """All sagas, oldest first; or those in a state, of a name, with no event for so many seconds."""
        only: Only = "all" if state is None else _WHERE.get(State(state), "unfinished")
        latest = math.inf if older_than is None else self.clock.now() - in_seconds(older_than)
        return [
            Run(id, self)
            for id in self.journal.ids(only)
            if (events := self.journal.read(id))
            and events[-1].at <= latest
            and (name is None or (isinstance(events[0], e.Started) and events[0].saga == name))
            and (state is None or fold(events).state == state)
        ]

    def dead_letters(self) -> Sequence[e.Parked]:
        """What persons must do, oldest saga first; what they released is theirs no longer."""
        return [letter for id in self.journal.ids("parked") for letter in fold(self.journal.read(id)).letters]

    async def stream(self, id: str) -> AsyncIterator[e.Event]:
        """History, then what happens live; ends at a terminal state or STUCK."""
        news, seen = asyncio.Event(), 0
        self._readers.setdefault(id, []).append(news)
        try:
            while True:
                news.clear()
                events = self._read(id)
                for event in events[seen:]:
                    yield event
                seen = len(events)
                if fold(events).over:
                    return
                if id in self._lives:
                    await news.wait()
                else:
                    await self.clock.sleep(1)  # another worker runs it
        finally:
            self._readers[id].remove(news)

    # ---- telling

    async def cancel(self, id: str) -> bool:
        """Ask a saga to stop and undo. False when it is too late: ended, stuck, or at its pivot."""
        asked = e.CancelAsked(id=id, at=self.clock.now())
        return await self._tell(
            id, lambda saga: ([] if saga.cancel_asked else [asked]) if may_cancel(saga) else None
        )

    async def resolve(self, id: str, name: str, value: Any = None) -> None:
        """Answer a promise; kept if nobody waits yet. Raises `Conflict` when it is settled already."""
        raw = to_json(value, "the answer to", name)
        await self._answer(e.PromiseAnswered(name, raw, id=id, at=self.clock.now()))

    async def reject(self, id: str, name: str, reason: str) -> None:
        """Answer a promise with an error, raised in the saga as `Refused`. Raises `Conflict` likewise."""
        await self._answer(e.PromiseAnswered(name, refused=True, reason=reason, id=id, at=self.clock.now()))

    async def release(self, id: str, decision: e.Decision) -> None:
        """Let a STUCK saga go on, after a person saw to it.

        "retry": what failed for good is tried again with a new budget; a saga past its pivot, or one that no
        replay or recovery could finish, is run again. "done" and "skip" are a person's word about what
        is stuck: it is done by hand, or stays as it is. Then the older undos follow. The recorded
        result stands. Where this engine cannot run the saga, another one's recovery will.

        Raises ValueError when the saga is not stuck, or not in a way that the decision could settle.
        """
        await self._tell(id, lambda saga: released(saga, decision, self.clock.now()))
        if life := self._lives.get(id):
            await life.close()
        await self.adopt(id)

    async def _answer(self, answer: e.PromiseAnswered) -> None:
        name, at = answer.name, answer.at
        if not await self._tell(answer.id, lambda saga: [answer] if may_answer(saga, name, at) else None):
            raise Conflict(f"{name!r} of saga {answer.id!r} is settled: this answer came too late")

    async def _tell(self, id: str, decide: Callable[[Record], Sequence[e.Event] | None]) -> bool:
        """Append what `decide` makes of a saga as it stands, anew if somebody is quicker; False when None."""
        while True:
            facts = decide(fold(events := self._read(id)))
            if not facts:
                return facts is not None
            with suppress(Stale):
                await self.journal.append(id, facts, len(events))
                return True

    # ---- recovering

    async def recover(self) -> None:
        """Claim every saga whose worker is gone, start it again, and return without waiting.

        Raises JournalError after all others were tried, when the journal of one cannot be used.
        """
        failure: JournalError | None = None
        for id in self.journal.ids("unfinished"):
            try:
                await self.adopt(id)
            except JournalError as error:
                _log.error("saga %s was not recovered: %s", id, error)
                failure = error
        if failure is not None:
            raise failure

    async def recover_forever(self, every: float = 60) -> None:
        """The background job: recover, wait `every` seconds, again. A failing journal is tried again.

        All that a worker's process needs, with a stop that hands its sagas over at once:

            async with Engine(SqlJournal(url)) as engine:
                engine.register(order_saga, shop)
                asyncio.get_running_loop().add_signal_handler(SIGTERM, asyncio.current_task().cancel)
                await engine.recover_forever()
        """
        while True:
            try:
                await self.recover()
            except JournalError as error:
                _log.error("recovering is tried again in %g s: %s", every, error)
            await self.clock.sleep(every)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop working, as in a crash; other workers may go on at once."""
        for life in self.lives():
            await life.close()
        self._heart.stop()

    async def adopt(self, id: str) -> None:
        """Take over one saga if nobody runs it; after too many times without progress, park it instead."""
        record = fold(events := self.journal.read(id))
        if id in self._lives or record.started is None or record.over:
            return
        if record.started.saga not in self._sagas:
            _log.warning("saga %s waits: %r is not registered with this engine", id, record.started.saga)
            return
        now = self.clock.now()
        facts: list[e.Event] = [e.Recovered(id=id, at=now)]
        if given_up := record.recoveries >= MOST_RECOVERIES:
            reason = f"its worker died {record.recoveries} times at the same place"
            standing = tuple(step.begun.step for step in record.standing)
            letter = e.Parked(reason, "kernel", still_done=standing, id=id, at=now)
            facts = [letter, e.Stuck("recovery given up", reason, id=id, at=now)]
        try:
            token = await self._claim(id, facts, len(events))
        except Stale:
            return await self.adopt(id)  # somebody was quicker: look again
        if token is None:
            return
        self._publish(id, facts)
        if not given_up:
            self._live(id, token, (*events, *facts), record)

    # ---- within

    def lives(self) -> Sequence[Life]:
        """The sagas that run here."""
        return list(self._lives.values())

    def life(self, id: str) -> Life | None:
        """The saga while it runs here."""
        return self._lives.get(id)

    def function(self, name: str) -> SagaFunction | None:
        """The saga function registered under a name."""
        return self._sagas.get(name, (None, ()))[0]

    def _read(self, id: str) -> Sequence[e.Event]:
        events = self.journal.read(id)
        if not events:
            raise LookupError(f"there is no saga {id!r} in this journal")
        return events

    async def _claim(self, id: str, events: Sequence[e.Event], version: int) -> int | None:
        now = self.clock.now()
        return await self.journal.claim(id, self._worker, now + self._lease, now, events, version)

    def _live(self, id: str, token: int, events: Sequence[e.Event], record: Record) -> None:
        saga = Incarnation(id, self.journal, self.clock, token, events, record, self._publish)
        assert record.started is not None
        work = partial(drive, saga, *self._sagas[record.started.saga])
        life = self._lives[id] = Life(saga, work, self._worker, self._lease, self._over)
        if self.journal.leases:
            self._heart.beat_by(life.renew_at)

    def _over(self, life: Life) -> None:
        del self._lives[life.saga.id]
        self._publish(life.saga.id, ())

    def _publish(self, id: str, events: Sequence[e.Event]) -> None:
        for observer in self._observers:
            for event in events:
                try:
                    observer(event)
                except Exception:  # noqa: BLE001 - an observer can never break a saga
                    _log.exception("an observer failed on %r", event)
        for news in self._readers.get(id, ()):
            news.set()

    def _look_outside(self, id: str) -> None:
        if life := self._lives.get(id):
            life.look_outside()


def _name(function: SagaFunction) -> str:
    return str(getattr(function, "__name__", type(function).__name__))
