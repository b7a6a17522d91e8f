"""Exercise 3, the booking: what each status promises, and what must hold at the venue."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from grader.rules import Broken, Invariant, Row, Rules, Shown
from grader.rules import venue_ledgers as venue
from grader.rules.aside import changes_nothing, only, tried_or_parked
from grader.rules.common import COMMON
from grader.rules.facts import MANUAL, Facts
from grader.rules.scenarios import given_up
from grader.rules.words import in_euros
from saga_lab.sim import Instant, Request
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
HOLD, RELEASE = "seats.hold", "seats.release"
CHARGE, REFUND = "payments.charge", "payments.refund"
ISSUE, REVOKE = "tickets.issue", "tickets.revoke"
MAIL = "mail.send"
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


# ---- the promises


def _one_ticket_a_seat(facts: Facts) -> Broken | None:
    of_others = set[str]()
    for instant in facts.trace.instants:
        seats = venue.tickets(instant.ledgers)
        of_others |= venue.sold_to_others(facts, instant.ledgers)
        if twice := {seat for seat in seats if seats.count(seat) > 1 or seat in of_others}:
            observed = f"{venue.in_words(twice)} has more than one"
            return Broken("a seat has one ticket", observed, instant.number)
    return None


def _ticket_is_paid(facts: Facts) -> Broken | None:
    due = facts.request.total_amount
    for instant in facts.trace.instants:
        seats = set(venue.tickets(instant.ledgers))
        if not seats:
            continue
        customer, found = facts.request.customer_id, venue.paid(instant.ledgers)
        if strangers := venue.payers(instant.ledgers) - {customer}:
            observed = f"{' and '.join(sorted(strangers))} paid for the booking of {customer}"
            return Broken("nobody pays but the customer of the booking", observed, instant.number)
        if found != due:
            expected = f"a ticket that is valid is paid with {in_euros(due)}"
            why = (
                "Undo newest first: revoke the tickets, and then give back the money." if found < due else ""
            )
            observed = f"{venue.in_words(seats)} with tickets, and {in_euros(found)} paid for them"
            return Broken(expected, observed, instant.number, why=why)
        if unsold := seats - set(venue.ours(facts, instant.ledgers, "sold")):
            observed = f"{venue.in_words(unsold)} with a ticket, but not sold"
            return Broken("a seat with a ticket is sold to its booking", observed, instant.number)
    wanted, issued = set(facts.request.seat_ids), set(venue.tickets(facts.final))
    if facts.status != "confirmed" or issued == wanted:
        return None
    missing = next((x for x in (CHARGE, ISSUE) if facts.last(x) is None), "")
    expected = f"confirmed promises tickets for {venue.in_words(wanted)}"
    observed = (
        f"confirmed, with tickets for {venue.in_words(issued)}" if issued else "confirmed, with no ticket"
    )
    return Broken(expected, observed, facts.last(ISSUE), missing)


def _nothing_unless_confirmed(facts: Facts) -> Broken | None:
    if facts.status in ("confirmed", MANUAL):
        return None
    status, final = facts.status, facts.final
    for undo, action, found in (
        (REVOKE, ISSUE, venue.tickets(final) or venue.ours(facts, final, "sold")),
        (REFUND, CHARGE, venue.paid(final)),
    ):
        if found:
            return _left_standing(facts, undo, action)
    no = any(r.operation == HOLD for r in facts.refused)
    if status == "sold_out" and no and (charge := facts.last(CHARGE)) is not None:
        expected = "sold_out promises that nobody was asked for money"
        observed = "charged for a sold-out show, and a refund is needed"
        return Broken(expected, observed, charge, why="Hold the seats first: then there is something to pay.")
    held = venue.ours(facts, venue.at_the_end(facts), "held")
    if held and facts.last(RELEASE) is None:
        expected = f"{status} promises that this booking keeps no seat"
        observed = f"{status}, and {venue.in_words(held)} still held"
        why = "What is held for a customer who will not come, nobody else can buy."
        return Broken(expected, observed, facts.last(HOLD), RELEASE, why)
    return None


def _left_standing(facts: Facts, undo: str, action: str) -> Broken:
    """What is undone by `undo` is still there at the end."""
    where = facts.last(undo)
    paid, seats = venue.paid(facts.final), venue.ours(facts, facts.final, "sold")
    has = [f"has paid {in_euros(paid)}"] if paid else []
    has += [f"has tickets for {venue.in_words(seats)}"] if seats else []
    told = any(r.operation == action and r.answer == "value" for r in facts.requests)
    why = (
        "The call failed for you, but the service did it, or does it later. What may have happened needs an "
        "undo, registered before the call, under a key you know without an answer."
    )
    return Broken(
        f"{facts.status} promises no payment and no ticket",
        f"{facts.status}, and the customer {' and '.join(has)}",
        where or facts.last(action),
        "" if where else undo,
        why="" if told else why,
    )


def _all_or_none(facts: Facts) -> Broken | None:
    wanted = set(facts.request.seat_ids)
    for ledgers in (venue.at_the_end(facts), facts.final):
        for state in ("sold", "held"):
            found = venue.ours(facts, ledgers, state)
            if found and set(found) != wanted:
                observed = f"only {venue.in_words(found)} {state}, of {venue.in_words(wanted)}"
                return Broken("all seats or none", observed, facts.last(HOLD))
    return None


def _changes(facts: Facts, *operations: str) -> Iterator[tuple[Instant, Instant, Request]]:
    """What these operations changed: the instants before and after, and the request."""
    for before, after in pairwise(facts.trace.instants):
        request = facts.trace.requests[after.number - 1] if after.number and not after.by else None
        if request is not None and request.operation in operations:
            yield before, after, request


def _only_own_seats(facts: Facts) -> Broken | None:
    mine = venue.keys(facts)
    for before, after, request in _changes(facts, RELEASE, ISSUE, REVOKE):
        for seat, place in before.ledgers["seats"].items():
            if place != after.ledgers["seats"][seat] and place.get("by") not in mine:
                observed = f"{request.operation} changed {seat}, which it did not hold"
                return Broken("a token reaches the seats of its own hold alone", observed, after.number)
    return None


def _issued_in_time(facts: Facts) -> Broken | None:
    for before, after, _ in _changes(facts, ISSUE):
        for seat in venue.tickets(after.ledgers):
            until = before.ledgers["seats"][seat].get("until")
            if seat not in venue.tickets(before.ledgers) and (
                until is None or after.at >= round((until - facts.trace.epoch) * 1000)
            ):
                expected = "no ticket is issued at the end of its hold, or after it"
                return Broken(expected, f"{seat} got one", after.number)
    return None


def _refused_if_sold_out(facts: Facts) -> Broken | None:
    if facts.status != "sold_out" or any(r.operation == HOLD for r in facts.refused):
        return None
    hold = facts.last(HOLD)
    return Broken(
        "sold_out only when the venue refused to hold the seats",
        "sold_out, and nobody had refused: you turned a buyer away with seats free",
        hold,
        "" if hold else HOLD,
    )


def _mail(facts: Facts) -> Broken | None:
    sent = 0
    for instant in facts.trace.instants:
        mails, valid = instant.ledgers["mail"][sent:], venue.tickets(instant.ledgers)
        sent += len(mails)
        for mail in mails:
            if not mail["tickets"] or not {f"ticket-{x}" for x in valid}.issuperset(mail["tickets"]):
                expected = "a mail brings tickets that are valid"
                return Broken(expected, "the customer was sent none", instant.number)
            if mail["customer"] != (customer := facts.request.customer_id):
                observed = f"a mail with them to {mail['customer']}"
                return Broken(f"the tickets go to {customer}", observed, instant.number)
    if sent and facts.status not in ("confirmed", MANUAL):
        return Broken(
            "no mail without tickets", f"{facts.status}, and the customer got one", facts.last(MAIL)
        )
    return changes_nothing(MAIL)(facts)


def _free_at_the_end(facts: Facts) -> Broken | None:
    for before, after in pairwise(facts.trace.instants):
        for seat, place in before.ledgers["seats"].items():
            until = place.get("until")
            if until is not None and after.at > round((until - facts.trace.epoch) * 1000):
                return Broken("a hold ends by itself", f"{seat} is still held", after.number)
    return None


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
            _one_ticket_a_seat,
            points=0,
        ),
        Invariant(
            "E3-S2",
            "a ticket means a seat that is sold, and paid",
            "Tickets are the last thing to give, and the first to take back.",
            5,
            _ticket_is_paid,
        ),
        Invariant(
            "E3-S3",
            "whoever is not confirmed pays nothing, has no ticket and keeps no seat",
            "A payment may arrive when nobody waits for it any more. Only a refund under its key stops it.",
            4,
            _nothing_unless_confirmed,
        ),
        Invariant(
            "E3-S4",
            "all seats or none",
            "Two people who want to sit together are not helped by one seat.",
            4,
            _all_or_none,
        ),
        Invariant(
            "E3-S5",
            "a release, and a ticket, touch the seats of their own hold alone",
            "After the end of a hold its seats may be somebody else's.",
            5,
            _only_own_seats,
            points=0,
        ),
        Invariant(
            "E3-S6",
            "no ticket is issued at the end of its hold or after it",
            "The inventory's clock decides, at the very instant of the sale.",
            5,
            _issued_in_time,
            points=0,
        ),
        Invariant(
            "E3-S7",
            "sold_out only when the hold was refused",
            "No answer is not a no. Whoever cannot be asked may have seats.",
            3,
            _refused_if_sold_out,
            given_up,
        ),
        Invariant(
            "E3-S8",
            "a fault on mail changes nothing else, and there is no mail without tickets",
            "Mail is not critical: the booking is complete without it. And it cannot be undone.",
            5,
            _mail,
            only(MAIL),
        ),
        Invariant(
            "E3-L1",
            "seats are free at the end of their hold",
            "What is held for a customer who never comes back, nobody else can buy.",
            4,
            _free_at_the_end,
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
