"""The shop of exercise 1 with its ledgers in a database: each operation runs in the transaction it is given.

As everywhere, a key that comes again has no second effect, and an undo leaves a tombstone.
"""

from __future__ import annotations

import sqlalchemy as sa

from saga_lab import Refused
from saga_lab.worlds.shop import Item

metadata = sa.MetaData()
ledger = sa.Table(
    "shop_ledger",
    metadata,
    sa.Column("service", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("what", sa.Text, nullable=False),
)
shelf = sa.Table(
    "shop_shelf", metadata, sa.Column("sku", sa.Text, primary_key=True), sa.Column("pieces", sa.Integer)
)
STOCK = {"ITEM-001": 10, "ITEM-002": 5}


def open_shop(db: sa.Engine) -> None:
    """Empty ledgers, full shelves."""
    metadata.drop_all(db)
    metadata.create_all(db)
    with db.begin() as tx:
        for sku, pieces in STOCK.items():
            tx.execute(shelf.insert().values(sku=sku, pieces=pieces))


def books(db: sa.Engine) -> dict[str, dict[str, str] | dict[str, int]]:
    """What a person sees who looks at the services."""
    with db.connect() as reader:
        read: dict[str, dict[str, str] | dict[str, int]] = {
            service: {
                row.what: row.state
                for row in reader.execute(sa.select(ledger).where(ledger.c.service == service))
            }
            for service in ("payments", "inventory", "shipping", "mail")
        }
        return {**read, "shelf": {row.sku: row.pieces for row in reader.execute(sa.select(shelf))}}


def charge(tx: sa.Connection, key: str, customer: str, amount: int) -> None:
    _act(tx, "payments", key, f"{amount} of {customer}")


def refund(tx: sa.Connection, key: str) -> None:
    _undo(tx, "payments", key)


def reserve(tx: sa.Connection, key: str, items: list[Item]) -> None:
    """Raises Refused when the shelf holds too little."""
    if _state(tx, "inventory", key) is None:
        for item in items:
            if tx.scalar(sa.select(shelf.c.pieces).where(shelf.c.sku == item.sku)) < item.quantity:
                raise Refused(f"not enough of {item.sku}")
            _move(tx, item, -1)
    _act(tx, "inventory", key, " and ".join(f"{item.quantity} {item.sku}" for item in items))


def release(tx: sa.Connection, key: str, items: list[Item]) -> None:
    if _state(tx, "inventory", key) == "done":
        for item in items:
            _move(tx, item, 1)
    _undo(tx, "inventory", key)


def ship(tx: sa.Connection, key: str, order: str, refuses: bool) -> None:
    """Raises Refused when the carrier does not come."""
    if refuses:
        raise Refused("the carrier does not go there")
    _act(tx, "shipping", key, order)


def cancel_shipment(tx: sa.Connection, key: str) -> None:
    _undo(tx, "shipping", key)


def send_mail(tx: sa.Connection, key: str, customer: str) -> None:
    _act(tx, "mail", key, customer)


def _move(tx: sa.Connection, item: Item, way: int) -> None:
    row = shelf.update().where(shelf.c.sku == item.sku)
    tx.execute(row.values(pieces=shelf.c.pieces + way * item.quantity))


def _state(tx: sa.Connection, service: str, key: str) -> str | None:
    this = (ledger.c.service == service, ledger.c.key == key)
    return tx.scalar(sa.select(ledger.c.state).where(*this))


def _act(tx: sa.Connection, service: str, key: str, what: str) -> None:
    state = _state(tx, service, key)
    if state == "undone":
        raise Refused("undone before")
    if state is None:
        tx.execute(ledger.insert().values(service=service, key=key, state="done", what=what))


def _undo(tx: sa.Connection, service: str, key: str) -> None:
    if _state(tx, service, key) is None:
        tx.execute(ledger.insert().values(service=service, key=key, state="undone", what=key))
    this = (ledger.c.service == service, ledger.c.key == key)
    tx.execute(ledger.update().where(*this).values(state="undone"))
