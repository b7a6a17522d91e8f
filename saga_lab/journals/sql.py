"""The durable journal: SQLite, or PostgreSQL for several machines."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Event as Signal
from threading import Lock, Thread
from typing import Any

import msgspec

from saga_lab.events import ENDINGS, Event, Parked, UndoingBegan
from saga_lab.journals.connection import Connection, Outcome
from saga_lab.journals.database import database
from saga_lab.journals.errors import JournalError, Locked
from saga_lab.journals.requests import Append, Claim, Forget, Only, Request

LONG = 0.001
"""Seconds that a commit in the event loop may take: waking a thread takes a tenth of that."""
SHARE = 20
"""After a longer one, a thread commits for so many times its length, so that a slow disk or a busy machine
keeps the event loop waiting for a twentieth of its time at most."""
SPELL = 0.02
"""Seconds of long ones that do not matter yet: now and then SQLite moves its log into the file."""
LOOKS = 1.0
"""Seconds between two looks for what other processes appended."""
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[Event]).decode
_NONE: Mapping[str, Any] = {}
_log = logging.getLogger("saga_lab")


class SqlJournal:
    """A journal that survives its process: `SqlJournal("sqlite:///sagas.db")`.

    `sqlite:///folder/file.db` (four slashes before an absolute path) keeps it in a file, written ahead and
    synced at each commit, for the processes of one machine. `postgresql://user:password@host/database`
    keeps it on a server, for the workers of many machines; it needs `saga-lab[postgres]`. Both keep the
    same tables, whose names begin with `saga_lab_`.

    What concurrent sagas append while a commit is under way goes into the next one together (group commit:
    DeWitt et al., "Implementation techniques for main memory database systems", 1984); each append of a
    group succeeds, or is refused, by itself. A commit on a local disk is shorter than waking a thread, so
    it is made in the event loop; a slow or locked one, and PostgreSQL's, are made in a thread.

    Leases and clocks: a lease runs out by the clock of the worker that wants it next. A worker whose clock
    is fast takes over too early, one whose clock is slow too late, and neither lets two workers act: a
    take-over raises the saga's token, each append compares the token in the same transaction, and a step
    is called only after its intent was appended. What the former worker had just called is called again
    with the same key. So keep the clocks of workers within a third of the lease, for speed and not for
    safety.

    Facts that another process appends (a cancel, an answer) are told within a second.

    One event loop at a time. After a fork, open it anew: the child would write as the parent's worker.
    Raises JournalError whenever the database cannot be used, and says what to do.
    """

    leases = True

    def __init__(self, url: str) -> None:
        self._database = database(url)
        self._sql = self._database.sql
        self._reader = Connection(self._database)
        self._here = Connection(self._database, patient=False)
        self._there = Connection(self._database)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="saga journal")
        self._slow_until = 0.0 if self._database.quick else math.inf
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: list[tuple[Request, asyncio.Future[Any]]] = []
        self._busy = False
        self._alone: str | None = None
        """The saga of the last write, when no other had anything to write just then."""
        self._lock = Lock()
        self._watchers: list[Callable[[str], None]] = []
        self._held: set[str] = set()
        self._told: dict[str, int] = {}
        self._looking = False
        self._stop = Signal()
        self._process = os.getpid()
        connections = (self._reader, self._here, self._there)
        self._end = weakref.finalize(self, _end, self._process, self._stop, self._thread, connections)
        try:
            self._reader.prepare()
        except JournalError:
            self._end()
            raise

    async def append(
        self, id: str, events: Sequence[Event], expected_version: int, token: int | None = None
    ) -> None:
        await self._ask(Append(id, expected_version, *_as_written(events), token))
        if token is None:
            self._told[id] = expected_version + len(events)
            self._tell(id)

    async def claim(
        self,
        id: str,
        worker: str,
        until: float,
        now: float,
        events: Sequence[Event] = (),
        expected_version: int = 0,
    ) -> int | None:
        claim = Claim(id, expected_version, *_as_written(events), worker=worker, until=until, now=now)
        token: int | None = await self._ask(claim)
        if until <= now:  # given back
            self._held.discard(id)
        return token

    async def forget(self, id: str, expected_version: int) -> None:
        """Delete a saga's events, for whoever knows that it has ended: its id is free then.

        Raises `Stale` when there are more or fewer than `expected_version`.
        """
        await self._ask(Forget(id, expected_version))

    def read(self, id: str, start: int = 0) -> list[Event]:
        rows = self._query(self._sql.read, {"id": id, "start": start})
        try:
            return _decode(f"[{','.join([body for (body,) in rows])}]")
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise JournalError(
                f"the events of saga {id!r} cannot be read: {error}. They are damaged, or a newer saga_lab "
                "wrote them. Nothing was changed. Use that saga_lab, or a backup of the journal"
            ) from None

    def ids(self, only: Only = "all") -> list[str]:
        return [id for (id,) in self._query(getattr(self._sql, only))]

    def watch(self, callback: Callable[[str], None]) -> None:
        self._watchers.append(callback)

    def close(self) -> None:
        """Finish the commit under way, refuse those that wait, and let go of the database."""
        self._end()
        if self._waiting and not self._busy:
            self._write_waiting()

    # ---- writing

    def _ask(self, request: Request) -> asyncio.Future[Any]:
        """Write with the next group; a future of what is answered or raised."""
        self._usable()
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # what an earlier loop left waits for nobody
            self._loop, self._waiting, self._busy = loop, [], False
        future = loop.create_future()
        self._waiting.append((request, future))
        if not self._busy:
            self._busy = True
            if request.id == self._alone:
                self._write_waiting()
            else:
                loop.call_soon(self._write_waiting)  # after all who can ask now
        return future

    def _write_waiting(self) -> None:
        group, self._waiting = self._waiting, []
        requests = [request for request, _ in group]
        try:
            self._usable()
            if (now := time.monotonic()) >= self._slow_until - SHARE * SPELL:
                outcomes = self._here.write(requests)
                if self._here.synced_in > LONG:
                    self._slow_until = max(now, self._slow_until) + SHARE * self._here.synced_in
                return self._settle(group, outcomes)
        except Locked:
            pass  # the thread has patience
        except Exception as failure:  # noqa: BLE001 - raised where each of them waits
            return self._settle(group, [failure] * len(group))
        assert self._loop is not None
        job = self._loop.run_in_executor(self._thread, self._there.write, requests)
        job.add_done_callback(partial(self._written, group))

    def _written(
        self, group: list[tuple[Request, asyncio.Future[Any]]], job: asyncio.Future[list[Outcome]]
    ) -> None:
        failure = job.exception()
        self._settle(group, [failure] * len(group) if failure else job.result())

    def _settle(self, group: list[tuple[Request, asyncio.Future[Any]]], outcomes: Sequence[Outcome]) -> None:
        self._alone = group[0][0].id if len(group) == 1 else None
        for (request, future), outcome in zip(group, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                if not future.done():  # else nobody waits any more
                    future.set_exception(outcome)
                continue
            if isinstance(request, Append) and not request.unfinished:
                self._held.discard(request.id)
            elif isinstance(outcome, int):
                self._hold(request.id)
            if not future.done():
                future.set_result(outcome)
        if self._waiting:
            self._write_waiting()
        else:
            self._busy = False

    # ---- reading

    def _query(self, sql: str, parameters: Mapping[str, Any] = _NONE) -> list[tuple[Any, ...]]:
        self._usable()
        with self._lock:
            return self._reader.rows(sql, parameters)

    def _usable(self) -> None:
        if os.getpid() != self._process:
            raise JournalError(
                "this journal was opened before a fork, by the process that uses it still. Nothing was read "
                "or written. Open another one here: SqlJournal(url)"
            )
        if not self._end.alive:
            raise JournalError("this journal is closed. Nothing was read or written. Open another one")

    # ---- what other processes append

    def _hold(self, id: str) -> None:
        """A worker of this process runs the saga now, so that news of it matter."""
        with self._lock:  # or the thread that looks may just be about to end
            self._held.add(id)
            begins = not self._looking and bool(self._watchers)
            self._looking = self._looking or begins
        if begins:
            looker = Thread(target=_look_on, args=(weakref.ref(self), self._stop), daemon=True)
            looker.name = "saga journal news"
            looker.start()

    def _look(self) -> bool:
        """Tell what is new. False when there is nobody to tell it to."""
        loop = self._loop
        with self._lock:
            if not self._held or loop is None or loop.is_closed():
                self._looking = False
                return False
        try:
            rows = dict(self._query(self._sql.news))
        except JournalError as error:
            _log.warning("cannot look for news: %s", error)
            return True
        with suppress(RuntimeError):  # the loop was closed just now; the next look ends
            for id, version in rows.items():
                if id in self._held and self._told.get(id) != version:
                    loop.call_soon_threadsafe(self._tell, id)
        self._told = rows
        return True

    def _tell(self, id: str) -> None:
        for watcher in self._watchers:
            watcher(id)


def _as_written(events: Sequence[Event]) -> tuple[list[str], bool, bool, bool]:
    """Their JSON; whether the saga goes on after them; is there a dead letter among them, or a turn?"""
    bodies, kinds = [_encode(event).decode() for event in events], {type(event) for event in events}
    return bodies, not (events and isinstance(events[-1], ENDINGS)), Parked in kinds, UndoingBegan in kinds


def _look_on(journal: weakref.ref[SqlJournal], stop: Signal) -> None:
    """Look in real time, so that a clock that jumps needs no look for each second it skips."""
    while not stop.wait(LOOKS):
        if (here := journal()) is None or not here._look():
            return
        del here


def _end(process: int, stop: Signal, thread: ThreadPoolExecutor, connections: Sequence[Connection]) -> None:
    """Let go of the database; in a forked child of the process, which may not, do nothing."""
    if os.getpid() == process:
        stop.set()
        thread.shutdown()
        for connection in connections:
            connection.close()
