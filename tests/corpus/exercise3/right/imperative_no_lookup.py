"""Undo by the engine, without a look-up and without a watch: the venue's no to an old token is enough."""

from saga_lab import CompensationFailed, Refused, StepFailed
from saga_lab.worlds.venue import TicketResult


async def ticketing_saga(saga, booking, venue):
    if not booking.seat_ids or len(set(booking.seat_ids)) != len(booking.seat_ids):
        return TicketResult("failed")
    try:
        hold = await saga.step(
            "hold", venue.seats.hold, booking.event_id, booking.seat_ids, compensate=venue.seats.release
        )
        payment_id = await saga.step(
            "charge",
            venue.payments.charge,
            booking.customer_id,
            booking.total_amount,
            compensate=venue.payments.refund,
        )
        ticket_ids = await saga.step(
            "issue", venue.tickets.issue, hold.token, compensate=venue.tickets.revoke, pivot=True
        )
    except StepFailed as failure:
        no = failure.code if isinstance(failure, Refused) else ""
        try:
            await saga.compensate()
        except CompensationFailed:
            return TicketResult("manual_intervention_required")
        if no == "expired":
            return TicketResult("timeout")
        if failure.step == "hold":
            return TicketResult("sold_out" if no else "failed")
        if failure.step == "charge" and no:
            return TicketResult("payment_failed")
        return TicketResult("timeout" if saga.now() >= hold.expires_at else "failed")

    try:
        await saga.step("mail", venue.mail.send, booking.customer_id, ticket_ids)
    except StepFailed as failure:
        await saga.park("send the tickets again", failure)
    return TicketResult("confirmed", hold.id, payment_id, ticket_ids)
