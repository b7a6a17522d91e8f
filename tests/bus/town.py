"""A small town for tests: services on one database that tell each other what happened, and may die.

`town.ledger` is what their reactions did, in order; time passes when nothing else can happen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import sqlalchemy as sa

from saga_lab.bus import Consumer, Event, Reaction, SqlBroker, metadata, publish, relay_once

HOUR = 3600.0
_metadata = sa.MetaData()
effects = sa.Table(
    "effects", _metadata, sa.Column("nth", sa.Integer, primary_key=True), sa.Column("line", sa.Text)
)


class Death(BaseException):
    """The process died here."""


class Town:
    def __init__(self, db: sa.Engine) -> None:
        self.db = db
        self.time = 0.0
        metadata.create_all(db)
        _metadata.create_all(db)
        self.broker = SqlBroker(db, now=lambda: self.time)
        self.consumers: dict[str, Consumer] = {}

    def consumer(self, name: str, **reactions: Reaction) -> Consumer:
        """A consumer; `orders_placed=react` is its reaction to "orders.placed"."""
        consumer = self.consumers[name] = Consumer(name, self.db, self.broker)
        for topic, react in reactions.items():
            consumer.on(topic.replace("_", "."))(react)
        return consumer

    async def open(self) -> None:
        for consumer in self.consumers.values():
            await consumer.subscribe()

    def publish(self, *events: Event) -> None:
        for event in events:
            with self.db.begin() as tx:
                publish(tx, event)

    async def settle(self) -> None:
        """Go on until nothing can happen any more, not even later."""
        idle = 0
        while idle < 2:
            moved = await relay_once(self.db, self.broker)
            for consumer in self.consumers.values():
                moved += await consumer.take_once()
            idle = 0 if moved else idle + 1
            self.time += 0 if moved else HOUR

    @property
    def ledger(self) -> list[str]:
        with self.db.connect() as reader:
            return list(reader.scalars(sa.select(effects.c.line).order_by(effects.c.nth)))


def write(tx: sa.Connection, line: str) -> None:
    """An effect that a person can see."""
    tx.execute(effects.insert().values(line=line))


def notes(who: str) -> Reaction:
    """A reaction that writes down what it heard."""
    return lambda tx, event: write(tx, f"{who}: {event.topic} {event.key} {event.data}")


def failing(times: int, react: Reaction, error: type[BaseException] = RuntimeError) -> Reaction:
    """A reaction that fails so many times, after it has written."""
    left = [times]

    def fail(tx: sa.Connection, event: Event) -> None:
        react(tx, event)
        if left[0]:
            left[0] -= 1
            raise error("not now")

    return fail


def told(test: Callable[[Town], Coroutine[Any, Any, None]]) -> Callable[[sa.Engine], None]:
    """Play an async test in a town of its own."""

    def wrapper(db: sa.Engine) -> None:
        asyncio.run(test(Town(db)))

    wrapper.__name__ = test.__name__
    wrapper.__doc__ = test.__doc__
    return wrapper
