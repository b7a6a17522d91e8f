"""A broker on a SQL database, for those who have one and want no other server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection

import sqlalchemy as sa

from saga_lab.bus.broker import Delivery, Event
from saga_lab.bus.tables import BIG, PREFIX, columns, event_in, insert_once, told

_metadata = sa.MetaData()
_subscriptions = sa.Table(
    PREFIX + "subscriptions",
    _metadata,
    sa.Column("consumer", sa.Text, primary_key=True),
    sa.Column("topic", sa.Text, primary_key=True),
)
_queue = sa.Table(
    PREFIX + "queue",
    _metadata,
    sa.Column("seq", BIG, primary_key=True),
    sa.Column("consumer", sa.Text, nullable=False),
    *told(),
    sa.Column("deliveries", sa.Integer, nullable=False, default=0),
    sa.Column("due", sa.Double, nullable=False, default=0.0),
    sa.UniqueConstraint("consumer", "id"),
    sa.Index(PREFIX + "queue_heads", "consumer", "key", "seq"),
    sqlite_autoincrement=True,
)


class SqlBroker:
    """A queue for each consumer; what it accepted is deleted.

    `lease`: seconds that a worker has for one event before another may try. It may be too short, and
    clocks may differ: the inbox takes care of what comes twice.
    """

    def __init__(self, db: sa.Engine, lease: float = 60, now: Callable[[], float] = time.time) -> None:
        self._db = db
        self._lease = lease
        self._now = now
        _metadata.create_all(db)

    async def subscribe(self, consumer: str, topics: Collection[str]) -> None:
        await asyncio.to_thread(self._subscribe, consumer, topics)

    async def send(self, event: Event) -> None:
        await asyncio.to_thread(self._send, event)

    async def receive(self, consumer: str) -> Delivery | None:
        return await asyncio.to_thread(self._receive, consumer)

    async def accept(self, delivery: Delivery) -> None:
        await asyncio.to_thread(self._write, _queue.delete().where(_queue.c.seq == delivery.receipt))

    async def postpone(self, delivery: Delivery, seconds: float) -> None:
        this = _queue.update().where(_queue.c.seq == delivery.receipt)
        await asyncio.to_thread(self._write, this.values(due=self._now() + seconds))

    def _subscribe(self, consumer: str, topics: Collection[str]) -> None:
        mine = _subscriptions.c.consumer == consumer
        with self._db.begin() as tx:
            tx.execute(_subscriptions.delete().where(mine, _subscriptions.c.topic.not_in(topics)))
            for topic in topics:
                insert_once(tx, _subscriptions, consumer=consumer, topic=topic)

    def _send(self, event: Event) -> None:
        listeners = sa.select(_subscriptions.c.consumer).where(_subscriptions.c.topic == event.topic)
        with self._db.begin() as tx:
            for consumer in tx.scalars(listeners.order_by(_subscriptions.c.consumer)).all():
                insert_once(tx, _queue, consumer=consumer, **columns(event), deliveries=0, due=0.0)

    def _receive(self, consumer: str) -> Delivery | None:
        """Lease the oldest event that is due and the first of its key."""
        heads = sa.select(sa.func.min(_queue.c.seq)).where(_queue.c.consumer == consumer)
        now = self._now()
        due = sa.select(_queue).where(_queue.c.seq.in_(heads.group_by(_queue.c.key)), _queue.c.due <= now)
        while True:
            with self._db.connect() as reader:
                row = reader.execute(due.order_by(_queue.c.seq).limit(1)).one_or_none()
            if row is None:
                return None
            untouched = (_queue.c.seq == row.seq, _queue.c.deliveries == row.deliveries)
            lease = _queue.update().where(*untouched)
            if self._write(lease.values(deliveries=row.deliveries + 1, due=now + self._lease)):
                return Delivery(consumer, event_in(row), row.deliveries + 1, row.seq)

    def _write(self, statement: sa.UpdateBase) -> int:
        with self._db.begin() as tx:
            return tx.execute(statement).rowcount
