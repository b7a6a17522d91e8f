"""The transactional outbox: an event is written with the change it tells of, and sent afterwards.

Without it a service that dies between its commit and its message has done something nobody hears of,
or told of something it never did (Richardson, "Microservices Patterns", 2018, chapter 3; Debezium,
"Outbox Event Router").
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from saga_lab.bus.broker import Broker, Event
from saga_lab.bus.tables import columns, event_in, outbox

BATCH = 100
"""Events sent before they are marked; a crash sends at most so many again."""
_log = logging.getLogger("saga_lab.bus")


def publish(tx: sa.Connection, event: Event) -> None:
    """Tell of a change in its own transaction: both are there, or neither.

    Raises TypeError when the data is not plain.
    """
    if tx.dialect.name == "postgresql":
        # Numbers are drawn at once but seen at commit: without the lock the later could be seen first.
        tx.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(event.key, 0))))
    tx.execute(outbox.insert().values(**columns(event)))


async def relay_once(db: sa.Engine, broker: Broker) -> int:
    """Send the oldest events of an outbox and mark them sent; gives how many.

    Several relays may share an outbox: events then go out twice, never out of order.
    """
    rows = await asyncio.to_thread(_oldest, db)
    for row in rows:
        await broker.send(event_in(row))
    if rows:
        await asyncio.to_thread(_mark, db, [row.seq for row in rows])
    return len(rows)


async def relay(db: sa.Engine, broker: Broker, every: float = 1) -> None:
    """The background job: send what there is, look again `every` seconds."""
    while True:
        try:
            sent = await relay_once(db, broker)
        except Exception:  # noqa: BLE001 - nothing is lost: what was not marked goes out again
            _log.warning("the relay could not send, and tries again in %g s", every, exc_info=True)
            sent = 0
        if sent < BATCH:
            await asyncio.sleep(every)


def _oldest(db: sa.Engine) -> Sequence[sa.Row[Any]]:
    with db.connect() as reader:
        return reader.execute(sa.select(outbox).order_by(outbox.c.seq).limit(BATCH)).all()


def _mark(db: sa.Engine, sent: list[int]) -> None:
    with db.begin() as tx:
        tx.execute(outbox.delete().where(outbox.c.seq.in_(sent)))
