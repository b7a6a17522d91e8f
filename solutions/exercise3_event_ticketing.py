"""Exercise 3: a booking. The seats are held for a while, and only the inventory's clock says how long."""

from saga_lab import Cancelled, CompensationFailed, Refused, Retry, SagaContext, StepFailed
from saga_lab.worlds.venue import TicketRequest, TicketResult, Venue

MARGIN = 30
"""Seconds of the hold that the payment leaves for issuing the tickets."""


async def ticketing_saga(saga: SagaContext, booking: TicketRequest, venue: Venue) -> TicketResult:
    seats, pay, tickets = venue.seats, venue.payments, venue.tickets
    if not booking.seat_ids or len(set(booking.seat_ids)) < len(booking.seat_ids):
        return TicketResult("failed")  # nobody need be asked for no seat, or for the same one twice

    try:
        hold = await saga.step(
            "hold",
            seats.hold,
            booking.event_id,
            booking.seat_ids,
            compensate=seats.release,
            check=seats.find,
        )
    except (StepFailed, Cancelled) as failure:
        # Only a no means sold out: who gives no answer may have seats.
        return await _undone(saga, "sold_out" if isinstance(failure, Refused) else "failed")

    left = hold.expires_at - saga.now() - MARGIN
    if left <= 0:
        return await _undone(saga, "timeout")
    try:
        payment_id = await saga.step(
            "charge",
            pay.charge,
            booking.customer_id,
            booking.total_amount,
            compensate=pay.refund,
            check=pay.find,
            retry=Retry(within=left),
        )
        # The pivot. The venue refuses a token whose hold has ended, so a payment that came too late sells
        # no seat twice; it is given back like any other.
        ticket_ids = await saga.step(
            "issue", tickets.issue, hold.token, compensate=tickets.revoke, check=tickets.find, pivot=True
        )
    except (StepFailed, Cancelled) as failure:
        if isinstance(failure, Refused) and failure.step == "charge":
            return await _undone(saga, "payment_failed")
        return await _undone(saga, "failed" if saga.now() < hold.expires_at else "timeout")

    try:
        await saga.step("mail", venue.mail.send, booking.customer_id, ticket_ids)
    except StepFailed as failure:  # not critical, but not forgotten either
        saga.park("send the tickets by mail", failure)

    return TicketResult("confirmed", hold.id, payment_id, ticket_ids)


async def _undone(saga: SagaContext, status: str) -> TicketResult:
    """Undo what may have happened, and say `status`, or ask for a person."""
    try:
        await saga.compensate(on_stuck="continue")  # a refund that is stuck need not keep the seats
    except CompensationFailed:  # the kernel has written the dead letter
        return TicketResult("manual_intervention_required")
    return TicketResult(status)
