"""All that can be undone is one scope; an error that leaves it undoes it."""

from saga_lab import CompensationFailed, Refused, StepFailed
from saga_lab.worlds.venue import TicketResult


async def ticketing_saga(saga, booking, venue):
    if len(booking.seat_ids) != len(set(booking.seat_ids)) or not booking.seat_ids:
        return TicketResult("failed")
    ends = None
    try:
        async with saga.scope(on_stuck="continue"):
            hold = await saga.step(
                "hold",
                venue.seats.hold,
                booking.event_id,
                booking.seat_ids,
                compensate=venue.seats.release,
                check=venue.seats.find,
            )
            ends = hold.expires_at
            payment_id = await saga.step(
                "charge",
                venue.payments.charge,
                booking.customer_id,
                booking.total_amount,
                compensate=venue.payments.refund,
                check=venue.payments.find,
            )
            ticket_ids = await saga.step(
                "issue",
                venue.tickets.issue,
                hold.token,
                compensate=venue.tickets.revoke,
                check=venue.tickets.find,
                pivot=True,
            )
    except CompensationFailed:
        return TicketResult("manual_intervention_required")
    except Refused as no:
        if no.step == "hold":
            return TicketResult("sold_out")
        return TicketResult("payment_failed" if no.step == "charge" else "timeout")
    except StepFailed:
        return TicketResult("timeout" if ends and saga.now() >= ends else "failed")
    try:
        await saga.step("mail", venue.mail.send, booking.customer_id, ticket_ids)
    except StepFailed as failure:
        saga.park("send the tickets", failure)
    return TicketResult("confirmed", hold.id, payment_id, ticket_ids)
