"""The world of exercise 3: a venue that holds seats for a while, takes payments, and issues tickets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar, NamedTuple, Protocol

import msgspec
from msgspec import Struct

from saga_lab.context import Lookup
from saga_lab.errors import Refused
from saga_lab.worlds.money import in_cents
from saga_lab.worlds.payments import Payments, PaymentService
from saga_lab.worlds.service import Service, action, operations, undo
from saga_lab.worlds.variation import USUAL, Variation
from saga_lab.worlds.world import Case, Rival, World, named

HOUR = 3600.0
HOLD = 900.0
"""Seconds for which seats are held; at the instant of its end a hold is over."""


@dataclass
class TicketRequest:
    """A booking of seats at one event; `total_amount` in cents."""

    booking_id: str
    event_id: str
    seat_ids: list[str]
    customer_id: str
    total_amount: int


@dataclass
class TicketResult:
    """`status`: confirmed, sold_out, payment_failed, timeout, failed or manual_intervention_required.

    The ids are empty unless confirmed.
    """

    status: str
    reservation_id: str = ""
    payment_id: str = ""
    ticket_ids: list[str] = field(default_factory=list)


@dataclass
class Hold:
    """Seats put aside until `expires_at`, in seconds of `saga.now()`; the `token` turns them into tickets."""

    id: str
    token: str
    expires_at: float


# ---- what a saga sees


class Seats(Protocol):
    """Holds seats for 15 minutes, all that are wanted or none."""

    async def hold(self, key: str, event_id: str, seat_ids: list[str]) -> Hold: ...
    async def release(self, key: str) -> None: ...
    async def find(self, key: str) -> Lookup: ...


class Tickets(Protocol):
    """Sells what a token holds, as long as it holds it."""

    async def issue(self, key: str, token: str) -> list[str]: ...
    async def revoke(self, key: str) -> None: ...
    async def find(self, key: str) -> Lookup: ...


class Mail(Protocol):
    """Sends tickets; nobody can ask whether it did."""

    async def send(self, key: str, customer_id: str, ticket_ids: list[str]) -> None: ...


class Venue(Protocol):
    """The services of a booking."""

    seats: Seats
    payments: Payments
    tickets: Tickets
    mail: Mail


# ---- what they are


class _Seat(NamedTuple):
    """Free without an `owner`, which is the key of a hold; held `until` then, or sold."""

    owner: str = ""
    until: float | None = None
    sold: bool = False

    def told(self) -> dict[str, Any]:
        if not self.owner:
            return {"state": "free"}
        if self.sold:
            return {"state": "sold", "by": self.owner}
        return {"state": "held", "by": self.owner, "until": self.until}


class _Seats(Service):
    def __init__(self, event_id: str, seat_ids: list[str], taken: list[str]) -> None:
        super().__init__()
        self.event_id = event_id
        self.seats = {seat: _Seat() for seat in seat_ids}
        self.holds: dict[str, Hold] = {}
        self.wanted: dict[str, list[str]] = {}
        self.take(taken)

    def ledger(self) -> Any:
        return {seat: place.told() for seat, place in self.seats.items()}

    @action("compensable")
    def hold(self, key: str, event_id: str, seat_ids: list[str]) -> Hold:
        if event_id != self.event_id:
            raise Refused(f"there is no event {event_id}", "unknown")
        if not seat_ids or len(set(seat_ids)) < len(seat_ids):
            raise Refused("a hold is of one seat or more, each named once", "bad_argument")
        for seat in seat_ids:
            if seat not in self.seats:
                raise Refused(f"there is no seat {seat}", "unknown")
            if self.seats[seat].owner:
                raise Refused(f"seat {seat} is taken", "taken")
        number, until, name = len(self.holds) + 1, round(self.now + HOLD, 3), self.variation.name
        hold = Hold(name(f"hold-{number}"), name(f"token-{number}"), until)
        for seat in seat_ids:
            self.seats[seat] = _Seat(key, until)
        self.holds[key], self.wanted[key] = hold, seat_ids
        return hold

    @undo("hold")
    def release(self, key: str) -> None:
        # Seats that were sold, or whose hold ended and which others took, are no longer this hold's.
        self.free(seat for seat, place in self.seats.items() if place.owner == key and not place.sold)

    def ending(self) -> list[tuple[float, str]]:
        """When the hold of each seat that is held will end, and which seat it is."""
        return [(place.until, seat) for seat, place in self.seats.items() if place.until is not None]

    def sell(self, token: str) -> list[str]:
        """Sell what a token holds; raises Refused when it holds that no longer."""
        key, held = next(((key, held) for key, held in self.holds.items() if held.token == token), ("", None))
        if held is None:
            raise Refused(f"no hold has the token {token}", "unknown")
        mine = self.wanted[key]
        if any(self.seats[seat].owner != key for seat in mine):
            raise Refused(f"{held.id} has ended", "expired")
        if any(self.seats[seat].sold for seat in mine):
            raise Refused(f"the seats of {held.id} are sold already", "spent")
        for seat in mine:
            self.seats[seat] = _Seat(key, sold=True)
        return mine

    def take(self, seat_ids: Iterable[str]) -> bool:
        """Another booking buys these seats, as far as they are free; says whether it got one."""
        free = [seat for seat in seat_ids if not self.seats[seat].owner]
        for seat in free:
            self.seats[seat] = _Seat("another booking", sold=True)
        return bool(free)

    def free(self, seat_ids: Iterable[str]) -> None:
        for seat in seat_ids:
            self.seats[seat] = _Seat()


class _Tickets(Service):
    def __init__(self, seats: _Seats) -> None:
        super().__init__()
        self.seats = seats
        self.issued: dict[str, tuple[str, list[str], bool]] = {}

    def ledger(self) -> Any:
        return {
            key: {"token": token, "seats": list(seats), "state": "live" if live else "revoked"}
            for key, (token, seats, live) in self.issued.items()
        }

    @action("pivot")
    def issue(self, key: str, token: str) -> list[str]:
        seats = self.seats.sell(token)
        self.issued[key] = (token, seats, True)
        return [f"ticket-{seat}" for seat in seats]

    @undo("issue")
    def revoke(self, key: str) -> None:
        token, seats, _ = self.issued[key]
        self.seats.free(seats)
        self.issued[key] = (token, seats, False)


class _Mail(Service):
    def __init__(self) -> None:
        super().__init__()
        self.delivered: list[dict[str, Any]] = []

    def ledger(self) -> Any:
        return [dict(mail) for mail in self.delivered]

    @action("retriable", window=HOUR, look_up=False)
    def send(self, key: str, customer_id: str, ticket_ids: list[str]) -> None:
        self.delivered.append({"key": key, "customer": customer_id, "tickets": ticket_ids})


EVENT = "event-042"


def _cases(variation: Variation) -> Iterator[Case]:
    name = variation.name
    event, customer, total = name(EVENT), name("cust-123"), variation.cents(12_000)
    for case, seats, says in [
        ("free", ["A1", "A2"], "two seats that are free"),
        ("taken", ["A1", "A2"], "two seats that others have bought"),
        ("one-of-two-taken", ["A1", "A2"], "two seats, one of which others have bought"),
        ("duplicate-seats", ["A1", "A1"], "the same seat twice"),
        ("no-seats", [], "no seat at all"),
    ]:
        wanted = [name(seat) for seat in seats]
        booking = TicketRequest(name("booking-001"), event, wanted, customer, total)
        yield Case(case, booking, says, faults=case == "free")


class VenueWorld(World):
    """The venue during one run: one event with the seats A1 to A4."""

    name = "venue"
    function = "ticketing_saga"
    services_type = Venue
    request_type = TicketRequest
    result_type = TicketResult
    operations = operations(
        {"seats": _Seats, "payments": PaymentService, "tickets": _Tickets, "mail": _Mail},
        ["seats.hold", "payments.charge", "tickets.issue", "mail.send"],
    )
    cases: ClassVar = named(_cases(USUAL))
    rivals: ClassVar = {
        "book_seats": Rival(
            "another booking takes any of the wanted seats as soon as it is free",
            lambda world, about: world.seats.take(dict.fromkeys(world.case.request.seat_ids)),
            after=("seats.hold", "seats.release", "payments.charge"),
            stays=True,
        )
    }
    taken: ClassVar = {"taken": ["A1", "A2"], "one-of-two-taken": ["A2"]}

    def __init__(self, case: str = "") -> None:
        super().__init__(case)
        name, taken = self.variation.name, self.taken.get(self.case.name, [])
        seats = [name(seat) for seat in ("A1", "A2", "A3", "A4")]
        self.seats = _Seats(name(EVENT), seats, [name(seat) for seat in taken])
        self.services = {
            "seats": self.seats,
            "payments": PaymentService(),
            "tickets": _Tickets(self.seats),
            "mail": _Mail(),
        }

    def due(self) -> float | None:
        return min((until for until, _ in self.seats.ending()), default=None)

    def pass_time(self) -> bool:
        """Free the seats whose hold has ended."""
        ended = [seat for until, seat in self.seats.ending() if until <= self.now]
        self.seats.free(ended)
        return bool(ended)

    def deadlines(self) -> Iterable[float]:
        return [hold.expires_at for hold in self.seats.holds.values()]

    @classmethod
    def told(cls, variation: Variation) -> Mapping[str, Case]:
        return named(_cases(variation))

    @staticmethod
    def saga_id(request: TicketRequest) -> str:
        return request.booking_id


# ---- the seed's JSON


class _BookingJson(Struct, rename="camel"):
    booking_id: str
    event_id: str
    seat_ids: list[str]
    customer_id: str
    total_amount: Decimal


class _ResultJson(Struct, rename="camel", omit_defaults=True):
    status: str
    reservation_id: str = ""
    payment_id: str = ""
    ticket_ids: list[str] = []


def booking_from_json(text: str | bytes) -> TicketRequest:
    """Read a booking as the web sends it: camelCase, and 99.99 for 9999 cents, without float arithmetic.

    Raises ValueError (msgspec.ValidationError among them) when it is not a booking in whole cents.
    """
    asked = msgspec.json.decode(text, type=_BookingJson)
    cents = in_cents(asked.total_amount)
    return TicketRequest(asked.booking_id, asked.event_id, asked.seat_ids, asked.customer_id, cents)


def result_to_json(result: TicketResult) -> bytes:
    """Write a result as the web expects it: camelCase, empty ids left out."""
    told = _ResultJson(result.status, result.reservation_id, result.payment_id, result.ticket_ids)
    return msgspec.json.encode(told)
