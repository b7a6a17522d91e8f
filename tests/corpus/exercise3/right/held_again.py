"""When the hold is over before the tickets are issued, the seats are held again, with a new token, once."""

from saga_lab import Cancelled, CompensationFailed, Refused, StepFailed
from saga_lab.worlds.venue import TicketResult


async def ticketing_saga(saga, booking, venue):
    if not booking.seat_ids or len(set(booking.seat_ids)) < len(booking.seat_ids):
        return TicketResult("failed")

    async def hold_seats(name):
        return await saga.step(
            name,
            venue.seats.hold,
            booking.event_id,
            booking.seat_ids,
            compensate=venue.seats.release,
            check=venue.seats.find,
        )

    async def undone(status):
        try:
            await saga.compensate(on_stuck="continue")
        except CompensationFailed:
            return TicketResult("manual_intervention_required")
        return TicketResult(status)

    try:
        hold = await hold_seats("hold")
    except (StepFailed, Cancelled) as failure:
        return await undone("sold_out" if isinstance(failure, Refused) else "failed")
    try:
        payment = await saga.step(
            "charge",
            venue.payments.charge,
            booking.customer_id,
            booking.total_amount,
            compensate=venue.payments.refund,
            check=venue.payments.find,
        )
        if saga.now() >= hold.expires_at:
            hold = await hold_seats("hold-again")
        tickets = await saga.step(
            "issue",
            venue.tickets.issue,
            hold.token,
            compensate=venue.tickets.revoke,
            check=venue.tickets.find,
            pivot=True,
        )
    except (StepFailed, Cancelled) as failure:
        if isinstance(failure, Refused) and failure.step == "charge":
            return await undone("payment_failed")
        return await undone("timeout")
    try:
        await saga.step("mail", venue.mail.send, booking.customer_id, tickets)
    except StepFailed as failure:
        saga.park("send the tickets", failure)
    return TicketResult("confirmed", hold.id, payment, tickets)
