"""One scope a step: each leaves its undo to the one around it."""

from saga_lab import CompensationFailed, Refused, StepFailed
from saga_lab.worlds.venue import TicketResult


async def ticketing_saga(saga, booking, venue):
    if not booking.seat_ids or len(set(booking.seat_ids)) < len(booking.seat_ids):
        return TicketResult("failed")
    status = "failed"
    try:
        async with saga.scope():
            try:
                hold = await saga.step(
                    "hold",
                    venue.seats.hold,
                    booking.event_id,
                    booking.seat_ids,
                    compensate=venue.seats.release,
                )
            except Refused:
                status = "sold_out"
                raise
            async with saga.scope():
                try:
                    payment_id = await saga.step(
                        "charge",
                        venue.payments.charge,
                        booking.customer_id,
                        booking.total_amount,
                        compensate=venue.payments.refund,
                    )
                except StepFailed:
                    status = "payment_failed"
                    raise
                async with saga.scope():
                    try:
                        ticket_ids = await saga.step(
                            "issue",
                            venue.tickets.issue,
                            hold.token,
                            compensate=venue.tickets.revoke,
                            check=venue.tickets.find,
                            pivot=True,
                        )
                    except StepFailed:
                        status = "timeout"
                        raise
    except CompensationFailed:
        return TicketResult("manual_intervention_required")
    except StepFailed:
        return TicketResult(status)
    try:
        await saga.step("mail", venue.mail.send, booking.customer_id, ticket_ids)
    except StepFailed as failure:
        saga.park("send the tickets", failure)
    return TicketResult("confirmed", hold.id, payment_id, ticket_ids)
