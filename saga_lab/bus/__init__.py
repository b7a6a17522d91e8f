"""Choreography: services that tell each other what happened, without anybody in charge.

`publish` writes an event with the change it tells of, `relay` sends it, a `Consumer` reacts. Each event
is delivered at least once, in order per key, and has its effect once.

    metadata.create_all(db)                     # the service's own database

    with db.begin() as tx:
        tx.execute(orders.insert().values(id="order-17"))
        publish(tx, Event("orders.placed", "order-17", {"amount": 9999}))

    broker = connect("sqlite:///bus.db")
    payments = Consumer("payments", db, broker)

    @payments.on("orders.placed")
    def charge(tx: Connection, event: Event) -> None:
        tx.execute(charges.insert().values(order=event.key, amount=event.data["amount"]))
        publish(tx, Event("payments.taken", event.key))

    await asyncio.gather(payments.run(), relay(db, broker))
"""

import sqlalchemy as sa

from saga_lab.bus.broker import Broker, Delivery, Event
from saga_lab.bus.consumer import Consumer, DeadLetter, Reaction, forget
from saga_lab.bus.outbox import publish, relay, relay_once
from saga_lab.bus.sql import SqlBroker
from saga_lab.bus.tables import metadata

__all__ = [
    "Broker",
    "Consumer",
    "DeadLetter",
    "Delivery",
    "Event",
    "Reaction",
    "SqlBroker",
    "connect",
    "forget",
    "metadata",
    "publish",
    "relay",
    "relay_once",
]


DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}


def connect(url: str) -> Broker:
    """The broker at a URL, `sqlite:///FILE` or `postgresql://...`; ValueError for any other."""
    scheme = url.partition(":")[0]
    if scheme not in DRIVERS:
        raise ValueError(
            f"no broker speaks {scheme!r}: use sqlite:///FILE or postgresql://user@host/database"
        )
    # psycopg 3, as the journal; SQLAlchemy's own default is psycopg2.
    return SqlBroker(sa.create_engine(sa.make_url(url).set(drivername=DRIVERS[scheme])))
