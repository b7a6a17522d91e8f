# M-G12 a name drawn outside the journal | fault: payments.charge:crash-after | breaks: S-10 | says: same
from random import randbytes

from saga_lab import CompensationFailed, Refused, Retry, StepFailed
from saga_lab.worlds.venue import TicketResult


async def ticketing_saga(saga, booking, venue):
    if not booking.seat_ids or len(set(booking.seat_ids)) < len(booking.seat_ids):
        return TicketResult("failed")

    async def undone(status):
        try:
            await saga.compensate(on_stuck="continue")
        except CompensationFailed:
            return TicketResult("manual_intervention_required")
        return TicketResult(status)

    try:
        hold = await saga.step(
            "hold",
            venue.seats.hold,
            booking.event_id,
            booking.seat_ids,
            compensate=venue.seats.release,
            check=venue.seats.find,
        )
    except StepFailed as failure:
        return await undone("sold_out" if isinstance(failure, Refused) else "failed")

    left = hold.expires_at - saga.now() - 30
    if left <= 0:
        return await undone("timeout")
    try:
        await saga.step(f"look {randbytes(8).hex()}", venue.payments.find)
        payment_id = await saga.step(
            "charge",
            venue.payments.charge,
            booking.customer_id,
            booking.total_amount,
            compensate=venue.payments.refund,
            check=venue.payments.find,
            retry=Retry(within=left),
        )
        ticket_ids = await saga.step(
            "issue",
            venue.tickets.issue,
            hold.token,
            compensate=venue.tickets.revoke,
            check=venue.tickets.find,
            pivot=True,
        )
    except StepFailed as failure:
        if isinstance(failure, Refused) and failure.step == "charge":
            return await undone("payment_failed")
        return await undone("failed" if saga.now() < hold.expires_at else "timeout")

    try:
        await saga.step("mail", venue.mail.send, booking.customer_id, ticket_ids)
    except StepFailed as failure:
        saga.park("send the tickets by mail", failure)
    return TicketResult("confirmed", hold.id, payment_id, ticket_ids)
