"""A saga that runs in this process: its task, its lease, and those who wait for its end."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Mapping

from saga_lab.incarnation import Incarnation
from saga_lab.journals import Fenced, JournalError

_log = logging.getLogger("saga_lab")
LONGEST_REST = 3600.0
"""Seconds that a waiting saga may go without renewing its lease: nothing needs doing sooner."""


class Life:
    """One incarnation at work in a task of its own; `error` is what its end raises, if anything."""

    def __init__(
        self,
        saga: Incarnation,
        work: Callable[[], Awaitable[Exception | None]],
        worker: str,
        lease: float,
        over: Callable[[Life], None],
    ) -> None:
        self.saga = saga
        self.error: BaseException | None = None
        self._worker = worker
        self._lease = lease
        self._over = over
        self._waiters: list[asyncio.Future[None]] = []
        self._until = 0.0
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(self._run(work))
        saga.tasks.add(self._task)
        self.renew_at = loop.time() + lease / 3

    async def ended(self) -> None:
        """Wait for the end; a waiter that is cancelled disturbs nobody."""
        if not self._task.done():
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter

    async def close(self) -> None:
        """End as in a crash, but leave the saga to whoever wants it at once."""
        self._task.cancel()
        await asyncio.gather(*self.saga.tasks, return_exceptions=True)
        await self._let_go()

    async def _let_go(self) -> None:
        """Nobody need wait until the lease runs out."""
        if self.saga.journal.leases and not isinstance(self.saga.dead, Fenced):
            now = self.saga.clock.now()
            try:
                await self.saga.journal.claim(self.saga.id, self._worker, now, now)
            except JournalError as error:
                _log.warning("saga %s is free only when its lease runs out: %s", self.saga.id, error)

    def look_outside(self) -> None:
        """Something was appended to the journal from outside."""
        self.saga.spawn(self.saga.look_outside())

    async def _run(self, work: Callable[[], Awaitable[Exception | None]]) -> None:
        try:
            self.error = await work()
            if self.saga.letters:
                await self._let_go()  # a person may release it at any engine
        except BaseException as death:  # noqa: BLE001 - whoever waits for the result is told
            # A saga that another worker took over goes on there; its result comes from the journal.
            self.error = None if isinstance(self.saga.dead, Fenced) else self.saga.dead or death
        self._over(self)
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def renew(self) -> None:
        """Hold the saga for another while; longer, so that it need not be done often, while it only waits."""
        self.renew_at = asyncio.get_running_loop().time() + self._lease / 3
        self.saga.spawn(self._renew())

    async def _renew(self) -> None:
        now = self.saga.clock.now()
        rest = min(max(0.0, self.saga.wakes - now), LONGEST_REST)
        self._until = max(self._until, now + rest + self._lease)
        try:
            token = await self.saga.journal.claim(self.saga.id, self._worker, self._until, now)
        except JournalError as error:  # the lease still holds for a while; its loss would stop the next write
            _log.error("the lease of saga %s was not renewed: %s", self.saga.id, error)
            return
        if token != self.saga.token:
            self.saga.die(Fenced(f"another worker took over saga {self.saga.id}"))
        self.renew_at = asyncio.get_running_loop().time() + self._until - now - self._lease * 2 / 3


class Heartbeat:
    """Renews the leases of all `lives` with one timer, since most sagas end long before it fires."""

    def __init__(self, lives: Mapping[str, Life], lease: float) -> None:
        self._lives = lives
        self._rhythm = lease / 6
        self._timer: asyncio.TimerHandle | None = None
        self._at = math.inf

    def beat_by(self, when: float) -> None:
        """Beat at `when` at the latest, in seconds of the loop."""
        if when < self._at:
            self.stop()
            self._at = when
            self._timer = asyncio.get_running_loop().call_at(when, self._beat)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._at = None, math.inf

    def _beat(self) -> None:
        self.stop()
        soon = asyncio.get_running_loop().time() + self._rhythm
        for life in list(self._lives.values()):
            if life.renew_at <= soon:
                life.renew()
        if self._lives:
            self.beat_by(max(soon, min(life.renew_at for life in self._lives.values())))
