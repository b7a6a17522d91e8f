"""The engine: starts sagas, answers for them, and takes over those whose worker is gone."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Literal
from uuid import uuid4

from saga_lab import events as e
from saga_lab.driver import SagaFunction, drive, rebuilt
from saga_lab.errors import CompensationFailed, Conflict, NotDeterministic, Suspended
from saga_lab.execution import Execution
from saga_lab.fold import Record, State, fold
from saga_lab.journals import Fenced, Journal, Stale
from saga_lab.values import from_json, result_type, to_json
from saga_lab.writer import Clock

Observer = Callable[[e.Event], None]
_MOST_RECOVERIES = 10
_LONGEST_REST = 3600.0
_log = logging.getLogger("saga_lab")


class SystemClock:
    """The time of day."""

    def now(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Run:
    """A handle on one saga, running or not."""

    def __init__(self, id: str, engine: Engine) -> None:
        self.id = id
        self._engine = engine
        self._life = engine._lives.get(id)

    @property
    def events(self) -> list[e.Event]:
        """The journal so far."""
        return self._engine.journal.read(self.id)

    @property
    def state(self) -> State:
        return fold(self.events).state

    async def result(self) -> Any:
        """Wait for the end; give what the saga returned, or raise what left it.

        Ends too when the saga is STUCK, with what is known by then. Cancelling the wait cancels
        nothing else.
        """
        life = self._life = self._engine._lives.get(self.id, self._life)
        if life is not None:
            await life.ended()
            if life.error is not None:
                raise life.error
        while not (record := fold(self.events)).state.at_rest:
            # Another worker runs it, or will have to be replaced.
            await self._engine._adopt(self.id)
            if self.id in self._engine._lives:
                return await self.result()
            await self._engine.clock.sleep(1)
        return self._engine._outcome(record)


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
        self.clock: Clock = clock or SystemClock()
        self._lease = lease
        self._observers = tuple(observers)
        self._worker = uuid4().hex
        self._sagas: dict[str, tuple[SagaFunction, tuple[Any, ...]]] = {}
        self._lives: dict[str, Life] = {}
        self._streams: dict[str, list[asyncio.Queue[None]]] = {}
        self._errands: set[asyncio.Task[None]] = set()
        journal.watch(self._look_outside)

    # ---------------------------------------------------------------- starting

    def register(self, function: SagaFunction, *services: Any, name: str | None = None) -> None:
        """Make a saga known under `name` (its function's by default), so that it can be recovered."""
        self._sagas[name or _name(function)] = (function, services)

    async def start(self, function: SagaFunction, request: Any, *services: Any, id: str | None = None) -> Run:
        """Run a saga once per id. The same id and request again give the same run.

        Raises `Conflict` when the id belongs to another request, TypeError when the request is not plain data.
        """
        name = _name(function)
        if services or name not in self._sagas:
            self.register(function, *services)
        id = uuid4().hex if id is None else id
        raw = to_json(request, f"the request of saga {name!r}")
        while not (held := self.journal.read(id)):
            now = self.clock.now()
            token = await self._claim(id, now)
            if token is None:
                break
            started = e.Started(saga=name, request=raw, id=id, at=now)
            try:
                await self.journal.append(id, [started], 0, token)
            except Stale:
                continue
            self._publish(id, [started])
            self._live(id, token, [started])
            return Run(id, self)
        first = held[0] if held else None
        if not isinstance(first, e.Started) or (first.saga, first.request) != (name, raw):
            raise Conflict(f"saga {id!r} was started before with another request: choose a new id")
        await self._adopt(id)
        return Run(id, self)

    # ---------------------------------------------------------------- asking

    def get(self, id: str) -> Run:
        """A handle by id; LookupError when there is no such saga."""
        self._read(id)
        return Run(id, self)

    def list(self, *, state: State | str | None = None) -> list[Run]:
        """All sagas, oldest first, or those in one state."""
        runs = [Run(id, self) for id in self.journal.ids()]
        return runs if state is None else [run for run in runs if run.state == state]

    def dead_letters(self) -> list[e.Parked]:
        """What persons must do, oldest saga first."""
        return [letter for id in self.journal.ids() for letter in fold(self.journal.read(id)).letters]

    async def stream(self, id: str) -> AsyncIterator[e.Event]:
        """History, then what happens live; ends at a terminal state or STUCK."""
        news: asyncio.Queue[None] = asyncio.Queue()
        self._streams.setdefault(id, []).append(news)
        seen = 0
        try:
            while True:
                events = self._read(id)
                for event in events[seen:]:
                    yield event
                seen = len(events)
                if fold(events).state.at_rest:
                    return
                try:
                    await asyncio.wait_for(news.get(), None if id in self._lives else 1)
                except TimeoutError:
                    continue
        finally:
            self._streams[id].remove(news)

    # ---------------------------------------------------------------- telling

    async def cancel(self, id: str) -> bool:
        """Ask a saga to stop and undo. False when it is too late: ended, stuck, or at its pivot."""
        while True:
            events = self._read(id)
            record = fold(events)
            if record.state.at_rest or record.pivot is not None:
                return False
            if record.cancel_asked:
                return True
            if await self._tell(e.CancelAsked(id=id, at=self.clock.now()), len(events)):
                return True

    async def resolve(self, id: str, name: str, value: Any = None) -> None:
        """Answer a promise; kept if nobody waits yet. Raises `Conflict` when it is answered or late."""
        raw = to_json(value, f"the answer to {name!r}")
        await self._answer(e.PromiseAnswered(name=name, value=raw, id=id, at=self.clock.now()))

    async def reject(self, id: str, name: str, reason: str) -> None:
        """Answer a promise with an error, raised in the saga as `Refused`."""
        await self._answer(
            e.PromiseAnswered(name=name, refused=True, reason=reason, id=id, at=self.clock.now())
        )

    async def _answer(self, answer: e.PromiseAnswered) -> None:
        while True:
            events = self._read(answer.id)
            record = fold(events)
            late = any(
                wait.name == answer.name and wait.until is not None and answer.at >= wait.until
                for wait in record.waits.values()
            )
            if record.state.at_rest or answer.name in record.answers or late:
                raise Conflict(f"{answer.name!r} of saga {answer.id!r} is settled: this answer came too late")
            if await self._tell(answer, len(events)):
                return

    async def _tell(self, fact: e.Event, version: int) -> bool:
        try:
            await self.journal.append(fact.id, [fact], version)
        except Stale:
            return False
        return True

    # ---------------------------------------------------------------- recovering

    async def recover(self) -> None:
        """Claim every saga whose worker is gone, start it again, and return without waiting."""
        for id in self.journal.ids():
            await self._adopt(id)

    async def recover_forever(self, every: float = 60) -> None:
        """The background job: recover, wait, again."""
        while True:
            await self.recover()
            await self.clock.sleep(every)

    async def close(self) -> None:
        """Stop working, as if the process had crashed: other workers may go on where this one was."""
        lives = list(self._lives.values())
        for life in lives:
            life.saga.close()
            life.task.cancel()
        await asyncio.gather(*(life.task for life in lives), *self._errands, return_exceptions=True)

    async def _adopt(self, id: str) -> None:
        record = fold(self.journal.read(id))
        if id in self._lives or record.started is None or record.state.at_rest:
            return
        if record.started.saga not in self._sagas:
            _log.warning("saga %s cannot be recovered: %r is not registered here", id, record.started.saga)
            return
        now = self.clock.now()
        token = await self._claim(id, now)
        if token is None or id in self._lives:
            return
        events = self.journal.read(id)
        record = fold(events)
        if record.state.at_rest:
            return
        facts: list[e.Event] = [e.Recovered(id=id, at=now)]
        if record.recoveries >= _MOST_RECOVERIES:
            reason = f"its worker died {record.recoveries} times at the same place"
            standing = tuple(step.begun.step for step in record.standing)
            letter = e.Parked(reason=reason, by="kernel", still_done=standing, id=id, at=now)
            facts = [letter, e.Stuck(why="recovery given up", reason=reason, id=id, at=now)]
        try:
            await self.journal.append(id, facts, len(events), token)
        except (Stale, Fenced):
            return
        self._publish(id, facts)
        if isinstance(facts[0], e.Recovered):
            self._live(id, token, [*events, *facts])

    # ---------------------------------------------------------------- within

    def _read(self, id: str) -> list[e.Event]:
        events = self.journal.read(id)
        if not events:
            raise LookupError(f"there is no saga {id!r} in this journal")
        return events

    async def _claim(self, id: str, now: float) -> int | None:
        return await self.journal.claim(id, self._worker, now + self._lease, now)

    def _live(self, id: str, token: int, events: list[e.Event]) -> None:
        life = Life(self, id, token, events)
        self._lives[id] = life
        life.task = asyncio.get_running_loop().create_task(life.run())
        life.saga.tasks.add(life.task)

    def _publish(self, id: str, events: Sequence[e.Event]) -> None:
        for observer in self._observers:
            for event in events:
                try:
                    observer(event)
                except Exception:
                    _log.exception("an observer failed on %r", event)
        for news in self._streams.get(id, ()):
            news.put_nowait(None)

    def _look_outside(self, id: str) -> None:
        life = self._lives.get(id)
        if life is not None:
            errand = asyncio.get_running_loop().create_task(life.saga.look_outside())
            self._errands.add(errand)
            errand.add_done_callback(self._errands.discard)

    def _outcome(self, record: Record) -> Any:
        assert record.started is not None
        if isinstance(record.result, e.Returned):
            function, _ = self._sagas.get(record.started.saga, (None, ()))
            return from_json(record.result.value, Any if function is None else result_type(function))
        if record.result is not None:
            raise rebuilt(record.result)
        assert record.stuck is not None
        if record.stuck.why == "not deterministic":
            raise NotDeterministic(record.stuck.reason)
        raise CompensationFailed([]) from RuntimeError(record.stuck.reason)


class Life:
    """One incarnation while it lasts, its lease renewed."""

    def __init__(self, engine: Engine, id: str, token: int, events: list[e.Event]) -> None:
        self._engine = engine
        self.saga = Execution(
            id,
            engine.journal,
            engine.clock,
            token,
            events,
            lambda batch: engine._publish(id, batch),
            self._rest,
        )
        self._token = token
        self.task: asyncio.Task[None]
        self.error: BaseException | None = None
        self._waiters: list[asyncio.Future[None]] = []
        self._renewal: asyncio.TimerHandle | None = None
        self._rest(0)

    async def ended(self) -> None:
        if not self.task.done():
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter

    async def run(self) -> None:
        engine, saga = self._engine, self.saga
        assert saga._record.started is not None
        function, services = engine._sagas[saga._record.started.saga]
        try:
            self.error = await drive(saga, function, services)
        except BaseException as death:  # noqa: BLE001 - whoever asks for the result is told
            lost = isinstance(saga.dead, Fenced)
            self.error = None if lost else saga.dead or death
        finally:
            if self._renewal is not None:
                self._renewal.cancel()
            engine._lives.pop(saga.id, None)
            for waiter in self._waiters:
                if not waiter.done():
                    waiter.set_result(None)
            for news in engine._streams.get(saga.id, ()):
                news.put_nowait(None)

    def _rest(self, seconds: float | None) -> None:
        """Renew the lease in time; a saga that only waits needs it renewed less often."""
        if not self._engine.journal.leases:
            return
        if self._renewal is not None:
            self._renewal.cancel()
        rest = _LONGEST_REST if seconds is None else min(seconds, _LONGEST_REST)
        if rest:
            self._errand(rest)
        later = rest + self._engine._lease / 3
        self._renewal = asyncio.get_running_loop().call_later(later, self._errand, 0)

    def _errand(self, rest: float) -> None:
        errand = asyncio.get_running_loop().create_task(self._renew(rest))
        self._engine._errands.add(errand)
        errand.add_done_callback(self._engine._errands.discard)

    async def _renew(self, rest: float) -> None:
        engine, now = self._engine, self._engine.clock.now()
        token = await engine.journal.claim(self.saga.id, engine._worker, now + rest + engine._lease, now)
        if token != self._token:
            self.saga._die(Fenced(f"another worker took over saga {self.saga.id}"))
        elif not rest:
            self._rest(0)


def _name(function: SagaFunction) -> str:
    return getattr(function, "__name__", None) or getattr(function, "name", type(function).__name__)
