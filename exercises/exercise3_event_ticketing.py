"""Exercise 3, intermediate: a ticketing saga with seats, payment and tickets.

Build a booking out of four steps:

1. reserve the seats, with a time limit
2. process the payment
3. issue the tickets
4. send the confirmation

and take care of three things:

- release the seats when the payment fails
- handle sold-out events
- send the tickets by mail

Return TicketResult("confirmed", reservation_id, payment_id, ticket_ids), or TicketResult with the status
sold_out, payment_failed, timeout or failed. The services are in `saga_lab.worlds.venue`.
Grade it with: saga-lab grade exercise3_event_ticketing.py
"""

from saga_lab import SagaContext, StepFailed
from saga_lab.worlds.venue import TicketRequest, TicketResult, Venue


async def ticketing_saga(saga: SagaContext, booking: TicketRequest, venue: Venue) -> TicketResult:
    # TODO: reserve the seats
    try:
        hold = await saga.step("hold", venue.seats.hold, booking.event_id, booking.seat_ids)
    except StepFailed:
        return TicketResult(status="sold_out")

    # TODO: process the payment with a timeout
    # The seats are held for 15 minutes, until hold.expires_at

    # TODO: issue the tickets

    # TODO: send the confirmation

    return TicketResult(status="confirmed", reservation_id=hold.id)
