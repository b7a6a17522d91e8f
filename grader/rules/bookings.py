"""The promises of exercise 3, the booking: each finds nothing in a run, or says how it was broken."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from grader.rules import Broken
from grader.rules import venue_ledgers as venue
from grader.rules.aside import changes_nothing
from grader.rules.facts import MANUAL, Facts
from grader.rules.venue_ledgers import CHARGE, HOLD, ISSUE, MAIL, REFUND, RELEASE, REVOKE
from grader.rules.words import in_euros
from saga_lab.sim import Instant, Request


def one_ticket_a_seat(facts: Facts) -> Broken | None:
    of_others = set[str]()
    for instant in facts.trace.instants:
        seats = venue.tickets(instant.ledgers)
        of_others |= venue.sold_to_others(facts, instant.ledgers)
        if twice := {seat for seat in seats if seats.count(seat) > 1 or seat in of_others}:
            observed = f"{venue.in_words(twice)} has more than one"
            return Broken("a seat has one ticket", observed, instant.number)
    return None


def ticket_is_paid(facts: Facts) -> Broken | None:
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


def nothing_unless_confirmed(facts: Facts) -> Broken | None:
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


def all_or_none(facts: Facts) -> Broken | None:
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


def only_own_seats(facts: Facts) -> Broken | None:
    mine = venue.keys(facts)
    for before, after, request in _changes(facts, RELEASE, ISSUE, REVOKE):
        for seat, place in before.ledgers["seats"].items():
            if place != after.ledgers["seats"][seat] and place.get("by") not in mine:
                observed = f"{request.operation} changed {seat}, which it did not hold"
                return Broken("a token reaches the seats of its own hold alone", observed, after.number)
    return None


def issued_in_time(facts: Facts) -> Broken | None:
    for before, after, _ in _changes(facts, ISSUE):
        for seat in venue.tickets(after.ledgers):
            until = before.ledgers["seats"][seat].get("until")
            if seat not in venue.tickets(before.ledgers) and (
                until is None or after.at >= round((until - facts.trace.epoch) * 1000)
            ):
                expected = "no ticket is issued at the end of its hold, or after it"
                return Broken(expected, f"{seat} got one", after.number)
    return None


def refused_if_sold_out(facts: Facts) -> Broken | None:
    if facts.status != "sold_out" or any(r.operation == HOLD for r in facts.refused):
        return None
    hold = facts.last(HOLD)
    return Broken(
        "sold_out only when the venue refused to hold the seats",
        "sold_out, and nobody had refused: you turned a buyer away with seats free",
        hold,
        "" if hold else HOLD,
    )


def mail(facts: Facts) -> Broken | None:
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


def free_at_the_end(facts: Facts) -> Broken | None:
    for before, after in pairwise(facts.trace.instants):
        for seat, place in before.ledgers["seats"].items():
            until = place.get("until")
            if until is not None and after.at > round((until - facts.trace.epoch) * 1000):
                return Broken("a hold ends by itself", f"{seat} is still held", after.number)
    return None
