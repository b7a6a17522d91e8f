"""Services whose books are a database of their own, shared by processes that die: nothing else survives."""

from __future__ import annotations

import random
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from saga_lab import Refused, Retry, SagaContext, StepFailed

T = TypeVar("T")
PRICE = 1_000
"""What every order costs, in cents."""


@dataclass(frozen=True)
class Order:
    """An order; one that is `hopeless` is refused by the carrier."""

    customer: str
    hopeless: bool = False


class Books:
    """Every effect that ever happened, and what is remembered of each key; one transaction a request."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, timeout=60, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")  # enough where nobody cuts the power
        self._db.executescript(
            """
            CREATE TABLE IF NOT EXISTS effects (key TEXT, what TEXT, cents INTEGER);
            CREATE TABLE IF NOT EXISTS keys (key TEXT PRIMARY KEY, state TEXT);
            """
        )

    def act(self, key: str, what: str, cents: int = 0, no: bool = False) -> str:
        """Do it once per key; a refusal and an undo are kept under the key for good."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            state = self._state(key)
            if state is None:
                state = "refused" if no else "done"
                self._db.execute("INSERT INTO keys VALUES (?, ?)", (key, state))
                if not no:
                    self._db.execute("INSERT INTO effects VALUES (?, ?, ?)", (key, what, cents))
        if state != "done":
            raise Refused(f"{what} is {state}")
        return f"{what} for {key}"

    def undo(self, key: str, what: str, cents: int = 0) -> None:
        """Take it back once; one that comes first leaves a tombstone."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            if (state := self._state(key)) in (None, "done"):
                self._db.execute("REPLACE INTO keys VALUES (?, 'undone')", (key,))
                if state == "done":
                    self._db.execute("INSERT INTO effects VALUES (?, ?, ?)", (key, what, cents))

    def effects(self) -> dict[str, list[tuple[str, int]]]:
        """What happened, by key, in order."""
        found: dict[str, list[tuple[str, int]]] = {}
        for key, what, cents in self._db.execute("SELECT key, what, cents FROM effects ORDER BY rowid"):
            found.setdefault(key, []).append((what, cents))
        return found

    def _state(self, key: str) -> str | None:
        row = self._db.execute("SELECT state FROM keys WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])


class Shop:
    """The services of an order; one reply in ten to an action is lost."""

    def __init__(self, books: Books) -> None:
        self._books = books

    async def charge(self, key: str, customer: str) -> str:
        return _perhaps(self._books.act(key, "charge", PRICE))

    async def refund(self, key: str) -> None:
        self._books.undo(key, "refund", -PRICE)

    async def reserve(self, key: str, shelf: str) -> str:
        return _perhaps(self._books.act(key, "reserve"))

    async def release(self, key: str) -> None:
        self._books.undo(key, "release")

    async def ship(self, key: str, hopeless: bool) -> str:
        return _perhaps(self._books.act(key, "ship", no=hopeless))

    async def mail(self, key: str, parcel: str) -> None:
        _perhaps(self._books.act(key, "mail"))


def _perhaps(answer: T) -> T:
    if random.random() < 0.1:
        raise ConnectionError("the reply was lost")
    return answer


PATIENT = Retry(attempts=20, first=0.001, longest=0.02)
"""Twenty lost replies in a row do not happen."""


async def order_saga(saga: SagaContext, order: Order, shop: Shop) -> str:
    """A step, a wait, two steps side by side, the pivot, and one more."""
    try:
        await saga.step("charge", shop.charge, order.customer, compensate=shop.refund, retry=PATIENT)
        await saga.sleep(0.02)
        await saga.gather(
            *(
                saga.step(f"reserve {shelf}", shop.reserve, shelf, compensate=shop.release, retry=PATIENT)
                for shelf in ("left", "right")
            )
        )
        parcel = await saga.step("ship", shop.ship, order.hopeless, pivot=True, retry=PATIENT)
        await saga.step("mail", shop.mail, parcel, retry=PATIENT)
    except StepFailed:
        await saga.compensate()
        return "failed"
    return "completed"


DONE = {
    "charge": [("charge", PRICE)],
    "reserve left": [("reserve", 0)],
    "reserve right": [("reserve", 0)],
    "ship": [("ship", 0)],
    "mail": [("mail", 0)],
}
UNDONE = {
    "charge": [("charge", PRICE), ("refund", -PRICE)],
    "reserve left": [("reserve", 0), ("release", 0)],
    "reserve right": [("reserve", 0), ("release", 0)],
}


def expected(id: str, hopeless: bool) -> dict[str, list[tuple[str, int]]]:
    """What the books must show of one order in the end, whatever died meanwhile."""
    return {f"{id}/{step}": effects for step, effects in (UNDONE if hopeless else DONE).items()}
