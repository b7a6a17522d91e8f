"""Exercise 3, the booking: what each status promises, and what must hold at the venue."""

from __future__ import annotations

from collections.abc import Iterator

from grader.rules import Invariant, Row, Rules, Shown, bookings
from grader.rules import venue_ledgers as venue
from grader.rules.aside import only, tried_or_parked
from grader.rules.common import COMMON
from grader.rules.facts import MANUAL, Facts
from grader.rules.scenarios import given_up
from grader.rules.venue_ledgers import CHARGE, HOLD, ISSUE, MAIL, REFUND, RELEASE
from grader.rules.words import in_euros
from saga_lab.worlds.venue import HOLD as SECONDS
from saga_lab.worlds.venue import TicketRequest

NOTHING = "the customer has paid nothing, no ticket is valid, and no seat is sold to this booking"
STATUSES = {
    "confirmed": "the customer paid the exact amount, and every seat is sold to this booking, with a ticket",
    "failed": NOTHING,
    "timeout": f"the hold was over before the tickets: {NOTHING}",
    "payment_failed": NOTHING,
    "sold_out": f"the venue refused to hold the seats: {NOTHING}",
    MANUAL: "something could not be undone or found out, and a dead letter says what to do",
}
ORDINARY = {
    "free": "confirmed",
    "taken": "sold_out",
    "one-of-two-taken": "sold_out",
    "duplicate-seats": "failed",
    "no-seats": "failed",
}
CLEAN = ("failed", "timeout", "payment_failed")
ROWS = (
    Row(HOLD, ("refuse",), ("sold_out",), "no payment call"),
    Row(HOLD, ("down*",), CLEAN, "nothing held"),
    Row(HOLD, ("given up",), ("confirmed", *CLEAN), "nothing held at the hold's end"),
    Row(CHARGE, ("refuse",), ("payment_failed",), "released"),
    Row(CHARGE, ("down*",), CLEAN, "released"),
    Row(CHARGE, ("given up",), ("confirmed", *CLEAN), "released; the payment's key tombstoned"),
    Row(ISSUE, ("refuse",), CLEAN, "refunded, released"),
    Row(ISSUE, ("given up",), ("confirmed", *CLEAN), "a paid ticket, or a refund"),
    Row(MAIL, ("refuse", "given up"), ("confirmed",), "parked"),
    Row(REFUND, ("down*",), (MANUAL,), "seats free at the hold's end"),
    Row(RELEASE, ("down*",), (MANUAL,), "seats free at the hold's end"),
)
MARGIN = 300_000
"""For so long (ms) before the end of a hold a saga may give up: how much it needs is its own choice."""


def possible(facts: Facts) -> bool:
    """It is a booking at all: of some seats, each named once."""
    booking: TicketRequest = facts.request
    return 0 < len(booking.seat_ids) == len(set(booking.seat_ids))


def in_time(facts: Facts, rights: set[str]) -> set[str]:
    """What a hold makes of the statuses that are right: one that ended is `timeout`.

    Where something never got through, or a ticket was refused for another reason, that may be told as well.
    Once seats were held they are not sold out: who cannot hold them again ran out of time.
    """
    ends = [end for call in facts.calls if (end := facts.over(call)) is not None]
    if not ends or not facts.scenario.faults:  # a saga that lets its hold end by itself has no excuse
        return rights
    if "sold_out" in rights:
        rights = rights - {"sold_out"} | set(CLEAN)
    if len(ends) > 1:
        return rights | {"confirmed", "timeout"}
    returned = facts.trace.ended or ends[0]
    decided = facts.first_undo.sent if facts.first_undo else returned
    if decided < ends[0]:
        near = decided >= ends[0] - MARGIN
        return rights | (set(CLEAN) if near else {"timeout"} if returned >= ends[0] else set())
    known = any(r.operation == HOLD and r.answer == "value" for r in facts.requests)
    declined = any(r.operation == CHARGE for r in facts.refused)
    other = any(r.operation == ISSUE and r.code != "expired" for r in facts.refused)
    other = other or any(x.endless and x.operation != MAIL for x in facts.struck)
    if not known or other or facts.cancelled is not None:
        return rights | {"timeout"}
    return rights - {"failed", *(() if declined else ("payment_failed",))} | {"timeout"}


def shows(facts: Facts) -> Iterator[Shown]:
    """What the customer paid, which tickets are valid, which seats are sold."""
    final, booking = facts.final, facts.request
    done = facts.status == "confirmed"
    seats = venue.in_words(booking.seat_ids if done else ())
    yield Shown("paid", in_euros(venue.paid(final)), in_euros(booking.total_amount if done else 0))
    yield Shown("tickets:", venue.in_words(venue.tickets(final)), seats)
    yield Shown("seats sold to this booking:", venue.in_words(venue.ours(facts, final, "sold")), seats)
    if not possible(facts):
        asked = ", ".join(dict.fromkeys(request.operation for request in facts.requests))
        yield Shown("asked:", asked or "nobody", "nobody")


RULES = Rules(
    number=3,
    title="Event ticketing",
    statuses=STATUSES,
    ordinary=ORDINARY,
    rows=ROWS,
    shows=shows,
    ids={"reservation_id": HOLD, "payment_id": CHARGE, "ticket_ids": ISSUE},
    clean=CLEAN,
    aside=frozenset({MAIL}),
    renewed=frozenset({HOLD}),
    expiring={HOLD: round(SECONDS * 1000)},
    margin=MARGIN,
    kept=lambda facts, call: facts.ended(call, facts.trace.ended),
    decides=in_time,
    tells={
        HOLD: lambda event, seats: ", ".join(seats),
        CHARGE: lambda customer, amount: in_euros(amount) if isinstance(amount, int) else str(amount),
        ISSUE: lambda token: token,
    },
    invariants=(
        Invariant(
            "E3-S1",
            "a seat has at most one valid ticket",
            "Two people at one seat is what a venue exists to avoid.",
            5,
            bookings.one_ticket_a_seat,
            points=0,
        ),
        Invariant(
            "E3-S2",
            "a ticket means a seat that is sold, and paid",
            "Tickets are the last thing to give, and the first to take back.",
            5,
            bookings.ticket_is_paid,
        ),
        Invariant(
            "E3-S3",
            "whoever is not confirmed pays nothing, has no ticket and keeps no seat",
            "A payment may arrive when nobody waits for it any more. Only a refund under its key stops it.",
            4,
            bookings.nothing_unless_confirmed,
        ),
        Invariant(
            "E3-S4",
            "all seats or none",
            "Two people who want to sit together are not helped by one seat.",
            4,
            bookings.all_or_none,
        ),
        Invariant(
            "E3-S5",
            "a release, and a ticket, touch the seats of their own hold alone",
            "After the end of a hold its seats may be somebody else's.",
            5,
            bookings.only_own_seats,
            points=0,
        ),
        Invariant(
            "E3-S6",
            "no ticket is issued at the end of its hold or after it",
            "The inventory's clock decides, at the very instant of the sale.",
            5,
            bookings.issued_in_time,
            points=0,
        ),
        Invariant(
            "E3-S7",
            "sold_out only when the hold was refused",
            "No answer is not a no. Whoever cannot be asked may have seats.",
            3,
            bookings.refused_if_sold_out,
            given_up,
        ),
        Invariant(
            "E3-S8",
            "a fault on mail changes nothing else, and there is no mail without tickets",
            "Mail is not critical: the booking is complete without it. And it cannot be undone.",
            5,
            bookings.mail,
            only(MAIL),
        ),
        Invariant(
            "E3-L1",
            "seats are free at the end of their hold",
            "What is held for a customer who never comes back, nobody else can buy.",
            4,
            bookings.free_at_the_end,
            points=0,
        ),
        Invariant(
            "E3-L2",
            "mail is tried again, and parked when it could not be sent",
            "Not critical is not forgotten: a person must be able to send it later.",
            4,
            tried_or_parked(MAIL, "confirmed"),
            only(MAIL),
        ),
        *COMMON,
    ),
)
