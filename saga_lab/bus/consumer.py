"""The inbox: a consumer's effects and its note that it saw the event share a transaction.

So an event that comes again has no second effect (Helland, "Life beyond Distributed Transactions",
2007; the inbox of NServiceBus and MassTransit).
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence

import sqlalchemy as sa
from msgspec import Struct

from saga_lab.bus.broker import Broker, Delivery, Event
from saga_lab.bus.tables import columns, dead_letters, event_in, inbox, insert_once
from saga_lab.retry import Retry

Reaction = Callable[[sa.Connection, Event], None]
"""What a consumer does about an event, in the transaction it is given; further events are published in it.

It may run again after it raised, so it touches nothing but its database."""
PATIENCE = Retry(attempts=5, first=1, longest=60)
_log = logging.getLogger("saga_lab.bus")


class DeadLetter(Struct, frozen=True):
    """An event that its consumer could not take; the events of its key went on without it."""

    event: Event
    attempts: int
    reason: str


class Consumer:
    """One service's ear. `name` stays the same across restarts: what was not accepted waits under it.

    Several workers may share a name and then share the events. After `retry.attempts` deliveries of
    one event, crashes counted, it becomes a dead letter, so that one poisonous event cannot stop its key.
    """

    def __init__(self, name: str, db: sa.Engine, broker: Broker, retry: Retry = PATIENCE) -> None:
        self.name = name
        self._db = db
        self._broker = broker
        self._retry = retry
        self._reactions: dict[str, Reaction] = {}

    def on(self, topic: str) -> Callable[[Reaction], Reaction]:
        """`@payments.on("orders.placed")` above the reaction to that topic."""

        def keep(react: Reaction) -> Reaction:
            self._reactions[topic] = react
            return react

        return keep

    async def subscribe(self) -> None:
        """Be kept the events of every topic with a reaction, from now on."""
        await self._broker.subscribe(self.name, list(self._reactions))

    async def take_once(self) -> bool:
        """React to one event that is due; False when there was none."""
        # While the database is away no event is asked for, so that none uses up its deliveries.
        await asyncio.to_thread(self._ping)
        delivery = await self._broker.receive(self.name)
        if delivery is None:
            return False
        pause = await asyncio.to_thread(self._take, delivery)
        if pause is None:
            await self._broker.accept(delivery)
        else:
            await self._broker.postpone(delivery, pause)
        return True

    async def run(self, every: float = 1) -> None:
        """The background job: subscribe, react to what is due, look again `every` seconds."""
        await self.subscribe()
        while True:
            try:
                taken = await self.take_once()
            except Exception:  # noqa: BLE001 - the broker keeps what was not accepted
                _log.warning("%s lost its broker or its database, and tries again", self.name, exc_info=True)
                taken = False
            if not taken:
                await asyncio.sleep(every)

    def dead_letters(self) -> Sequence[DeadLetter]:
        """What a person must see to, oldest first."""
        mine = sa.select(dead_letters).where(dead_letters.c.consumer == self.name)
        with self._db.connect() as reader:
            return [
                DeadLetter(event_in(row), row.attempts, row.reason)
                for row in reader.execute(mine.order_by(dead_letters.c.seq))
            ]

    def release(self, id: str) -> None:
        """React to a dead letter once more, now that its cause is mended; it stays one if that fails.

        Raises LookupError when there is no such letter, and whatever the reaction raises.
        """
        this = (dead_letters.c.consumer == self.name, dead_letters.c.id == id)
        with self._db.begin() as tx:
            row = tx.execute(sa.select(dead_letters).where(*this)).one_or_none()
            if row is None or tx.execute(dead_letters.delete().where(*this)).rowcount == 0:
                raise LookupError(f"{self.name} has no dead letter {id!r}")
            self._react(tx, event_in(row))

    def _ping(self) -> None:
        with self._db.connect() as reader:
            reader.execute(sa.select(1))

    def _take(self, delivery: Delivery) -> float | None:
        """React unless that was done before; gives the pause before the next attempt, if there is one."""
        event, nth = delivery.event, delivery.nth
        if nth > self._retry.attempts:
            self._bury(event, nth - 1, "each worker died over it, or was cut off")
            return None
        try:
            with self._db.begin() as tx:
                if self._is_news(tx, event):
                    self._react(tx, event)
        except Exception as error:  # noqa: BLE001 - rolled back; tried again, or told to a person
            _log.warning("%s failed on %s of %s", self.name, event.topic, event.key, exc_info=True)
            pause = self._retry.pause(nth, random.random())
            if pause is None:
                self._bury(event, nth, f"{type(error).__name__}: {error}")
            return pause
        return None

    def _is_news(self, tx: sa.Connection, event: Event) -> bool:
        """Note that the event is seen to; False when it was before."""
        return insert_once(tx, inbox, consumer=self.name, id=event.id, at=time.time())

    def _react(self, tx: sa.Connection, event: Event) -> None:
        if event.topic not in self._reactions:
            raise LookupError(f"{self.name} has no reaction to {event.topic!r} any more")
        self._reactions[event.topic](tx, event)

    def _bury(self, event: Event, attempts: int, reason: str) -> None:
        with self._db.begin() as tx:
            if self._is_news(tx, event):
                row = {**columns(event), "consumer": self.name, "attempts": attempts, "reason": reason}
                tx.execute(dead_letters.insert().values(**row))


def forget(db: sa.Engine, before: float) -> int:
    """Forget which events were seen before an instant (seconds since 1970); gives how many.

    An event that comes again after that has its effect again: keep a week, or as long as anything that
    sends events may be away.
    """
    with db.begin() as tx:
        return tx.execute(inbox.delete().where(inbox.c.at < before)).rowcount
