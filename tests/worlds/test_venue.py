"""The venue of exercise 3: seats are held for a while, and nobody's seats are sold to two."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saga_lab import Refused
from saga_lab.worlds.venue import (
    EVENT,
    HOLD,
    TicketRequest,
    TicketResult,
    VenueWorld,
    booking_from_json,
    result_to_json,
)
from tests.worlds.asking import ask, refusal

FREE = {"state": "free"}
BOOKING = '{"bookingId": "b", "eventId": "e", "seatIds": ["A1"], "customerId": "c", "totalAmount": %s}'


def at(world: VenueWorld, seconds: float) -> None:
    world.be(seconds)
    world.pass_time()


def test_a_hold_keeps_its_seats_from_everybody_else() -> None:
    venue = VenueWorld()
    ask(venue, "seats.hold", "a", EVENT, ["A1", "A2"])
    assert refusal(venue, "seats.hold", "b", EVENT, ["A2", "A3"]) == "taken"
    assert venue.ledgers()["seats"]["A3"] == FREE


@pytest.mark.parametrize(
    ("event", "seats", "code"),
    [
        (EVENT, [], "bad_argument"),
        (EVENT, ["A1", "A1"], "bad_argument"),
        (EVENT, ["Z9"], "unknown"),
        ("another", ["A1"], "unknown"),
    ],
)
def test_what_cannot_be_held_is_refused(event: str, seats: list[str], code: str) -> None:
    assert refusal(VenueWorld(), "seats.hold", "a", event, seats) == code


def test_a_hold_ends_by_itself_and_the_instant_of_its_end_is_too_late() -> None:
    venue = VenueWorld()
    at(venue, 10.0)
    hold = ask(venue, "seats.hold", "a", EVENT, ["A1"])
    assert (venue.due(), list(venue.deadlines())) == (hold.expires_at, [hold.expires_at])
    assert hold.expires_at == 10.0 + HOLD
    at(venue, hold.expires_at - 0.001)
    assert venue.ledgers()["seats"]["A1"]["state"] == "held"
    at(venue, hold.expires_at)
    assert venue.ledgers()["seats"]["A1"] == FREE
    assert refusal(venue, "tickets.issue", "t", hold.token) == "expired"
    assert venue.due() is None


def test_a_token_sells_its_seats_once_and_only_while_it_holds_them() -> None:
    venue = VenueWorld()
    hold = ask(venue, "seats.hold", "a", EVENT, ["A1", "A2"])
    assert ask(venue, "tickets.issue", "t", hold.token) == ["ticket-A1", "ticket-A2"]
    assert venue.ledgers()["seats"]["A1"] == {"state": "sold", "by": "a"}
    assert refusal(venue, "tickets.issue", "again", hold.token) == "spent"
    assert refusal(venue, "tickets.issue", "guess", "token-9") == "unknown"


def test_a_released_token_sells_nothing() -> None:
    venue = VenueWorld()
    hold = ask(venue, "seats.hold", "a", EVENT, ["A1"])
    ask(venue, "seats.release", "a")
    assert refusal(venue, "tickets.issue", "t", hold.token) == "expired"


def test_a_late_release_leaves_the_seats_of_the_next_hold_alone() -> None:
    venue = VenueWorld()
    ask(venue, "seats.hold", "a", EVENT, ["A1"])
    at(venue, HOLD)
    ask(venue, "seats.hold", "b", EVENT, ["A1"])
    ask(venue, "seats.release", "a")
    assert venue.ledgers()["seats"]["A1"]["by"] == "b"


def test_a_release_takes_back_no_seat_that_is_sold() -> None:
    venue = VenueWorld()
    hold = ask(venue, "seats.hold", "a", EVENT, ["A1"])
    ask(venue, "tickets.issue", "t", hold.token)
    ask(venue, "seats.release", "a")
    assert venue.ledgers()["seats"]["A1"]["state"] == "sold"


def test_a_revoked_ticket_frees_its_seats() -> None:
    venue = VenueWorld()
    hold = ask(venue, "seats.hold", "a", EVENT, ["A1"])
    ask(venue, "tickets.issue", "t", hold.token)
    ask(venue, "tickets.revoke", "t")
    assert venue.ledgers()["seats"]["A1"] == FREE
    assert venue.ledgers()["tickets"]["t"]["state"] == "revoked"


def test_the_rival_takes_a_wanted_seat_as_soon_as_it_is_free() -> None:
    venue = VenueWorld()
    rival = venue.rivals["book_seats"]
    ask(venue, "seats.hold", "a", EVENT, ["A1", "A2"])
    assert rival.stays and not rival.act(venue, "")
    at(venue, HOLD)
    assert rival.act(venue, "")
    assert venue.ledgers()["seats"]["A2"] == {"state": "sold", "by": "another booking"}
    assert venue.ledgers()["seats"]["A3"] == FREE


REQUESTS = st.lists(
    st.tuples(
        st.sampled_from(["seats.hold", "seats.release", "tickets.issue", "tickets.revoke", "wait"]),
        st.sampled_from("abc"),
        st.lists(st.sampled_from(["A1", "A2", "A3"]), min_size=1, max_size=2, unique=True),
        st.integers(1, 4),
    ),
    max_size=30,
)


@given(REQUESTS)
def test_no_order_of_requests_sells_a_seat_to_two(
    requests: list[tuple[str, str, list[str], int]],
) -> None:
    venue = VenueWorld()
    for operation, key, seats, number in requests:
        if operation == "wait":
            at(venue, venue.now + number * HOLD / 4)
            continue
        args: list[Any] = []
        if operation == "seats.hold":
            args = [EVENT, seats]
        elif operation == "tickets.issue":
            args = [f"token-{number}"]
        with suppress(Refused):
            ask(venue, operation, f"{operation.partition('.')[0]}-{key}", *args)
        ledgers = venue.ledgers()
        sold = [
            seat
            for ticket in ledgers["tickets"].values()
            if ticket["state"] == "live"
            for seat in ticket["seats"]
        ]
        assert len(sold) == len(set(sold))
        assert set(sold) == {seat for seat, place in ledgers["seats"].items() if place["state"] == "sold"}


def test_a_booking_is_read_in_cents_and_a_result_written_without_empty_ids() -> None:
    assert booking_from_json(BOOKING % "99.99") == TicketRequest("b", "e", ["A1"], "c", 9999)
    with pytest.raises(ValueError, match="amount"):
        booking_from_json(BOOKING % "99.999")
    assert result_to_json(TicketResult("confirmed", "h", "p", ["t"])) == (
        b'{"status":"confirmed","reservationId":"h","paymentId":"p","ticketIds":["t"]}'
    )
    assert result_to_json(TicketResult("sold_out")) == b'{"status":"sold_out"}'
