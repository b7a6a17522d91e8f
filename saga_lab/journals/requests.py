"""What is asked of a shared journal, and the answer: decided on the saga's row while nobody else has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from saga_lab.journals.errors import Fenced, Stale


class Row(Struct):
    """What a journal keeps about one saga beside its events."""

    number: int
    id: str
    version: int
    worker: str
    until: float
    token: int
    unfinished: bool
    parked: bool
    turned: bool
    news: bool
    """A fact from outside is the last event, so that the worker may not know of it."""


class Append(Struct, frozen=True):
    """Compare and append: `bodies` are events as JSON. The row says `unfinished` unless they end the saga."""

    id: str
    expected_version: int
    bodies: Sequence[str]
    unfinished: bool
    parked: bool
    turned: bool
    token: int | None = None

    def decide(self, row: Row) -> int | None:
        """Change the row, or raise Stale or Fenced."""
        if self.token is not None and self.token != row.token:
            raise Fenced(self.id)
        if self.expected_version != row.version:
            raise Stale(self.id)
        row.version += len(self.bodies)
        row.unfinished = self.unfinished
        row.parked = row.parked or self.parked
        row.turned = row.turned or self.turned
        row.news = self.token is None
        return None


class Claim(Append, frozen=True, kw_only=True):
    """Take or keep a lease until `until`, and append what there is, if anything."""

    worker: str
    until: float
    now: float

    def decide(self, row: Row) -> int | None:
        """Change the row and give its token; None while another worker holds it."""
        other = row.worker != self.worker
        if other and row.until > self.now:
            return None
        if self.bodies:
            super().decide(row)
            row.news = False
        row.token += other
        row.worker = self.worker
        row.until = self.until
        return row.token


class Forget(Struct, frozen=True):
    """Delete the events of a saga. Its token stays: a worker of long ago writes nothing under the id."""

    id: str
    expected_version: int

    def decide(self, row: Row) -> None:
        """Change the row, or raise Stale."""
        if self.expected_version != row.version:
            raise Stale(self.id)
        row.version = 0
        row.until = 0.0
        row.unfinished = row.parked = row.turned = row.news = False


Request = Append | Claim | Forget
Only = Literal["all", "unfinished", "parked", "turned"]
"""Which sagas: all, those that an engine may have to go on with, those with a dead letter or undos."""
