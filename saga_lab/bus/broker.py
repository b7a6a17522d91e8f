"""The vocabulary of events between services: what is told, and what carries it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol, TypeVar
from uuid import uuid4

import msgspec
from msgspec import Struct, field

T = TypeVar("T")


class Event(Struct, frozen=True):
    """Something that happened, as plain data. `topic`: what ("orders.placed"); `key`: to what ("order-17").

    Events of one key arrive in the order in which they were published. The `id` tells a repeat from news.
    """

    topic: str
    key: str
    data: Any = None
    id: str = field(default_factory=lambda: uuid4().hex)

    def read(self, type: type[T]) -> T:
        """The data as `type`; raises msgspec.ValidationError when it does not fit."""
        return msgspec.convert(self.data, type)


class Delivery(Struct, frozen=True):
    """An event on its way to a consumer, for the `nth` time; `receipt` is how the broker knows it again."""

    consumer: str
    event: Event
    nth: int
    receipt: Any


class Broker(Protocol):
    """Carries events at least once. Redis streams, NATS JetStream and RabbitMQ queues all can do this much.

    Of one key, the next event comes only once the one before is accepted.
    """

    async def subscribe(self, consumer: str, topics: Collection[str]) -> None:
        """From now on keep events of these topics, and of no other, for `consumer`, even while it is away."""

    async def send(self, event: Event) -> None:
        """Take over an event for everybody subscribed to its topic, durable when this returns."""

    async def receive(self, consumer: str) -> Delivery | None:
        """What is due now, if anything. Not accepted in time, since its worker died, it comes again."""

    async def accept(self, delivery: Delivery) -> None:
        """The consumer has seen to it: never bring it again."""

    async def postpone(self, delivery: Delivery, seconds: float) -> None:
        """The consumer could not: bring it again so much later."""
