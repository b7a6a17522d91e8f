"""The hold is the deadline of a scope around payment and tickets; seats whose hold ended need no release."""

from saga_lab import CompensationFailed, Refused, StepFailed, TimedOut
from saga_lab.worlds.venue import TicketResult


async def ticketing_saga(saga, booking, venue):
    if not booking.seat_ids or len(set(booking.seat_ids)) < len(booking.seat_ids):
        return TicketResult("failed")
    try:
        hold = await saga.step("hold", venue.seats.hold, booking.event_id, booking.seat_ids)
    except Refused:
        return TicketResult("sold_out")
    except StepFailed:
        return await released(saga, venue, "failed")
    left = hold.expires_at - saga.now()
    if left <= 0:
        return TicketResult("timeout")
    try:
        async with saga.scope(within=left):
            payment = await saga.step(
                "charge",
                venue.payments.charge,
                booking.customer_id,
                booking.total_amount,
                compensate=venue.payments.refund,
                check=venue.payments.find,
            )
            tickets = await saga.step(
                "issue",
                venue.tickets.issue,
                hold.token,
                compensate=venue.tickets.revoke,
                check=venue.tickets.find,
                pivot=True,
            )
    except CompensationFailed:
        return TicketResult("manual_intervention_required")
    except TimedOut:
        return TicketResult("timeout")
    except StepFailed as failure:
        declined = isinstance(failure, Refused) and failure.step == "charge"
        return await released(saga, venue, "payment_failed" if declined else "timeout")
    try:
        await saga.step("mail", venue.mail.send, booking.customer_id, tickets)
    except StepFailed as failure:
        saga.park("send the tickets", failure)
    return TicketResult("confirmed", hold.id, payment, tickets)


async def released(saga, venue, status):
    try:
        await saga.step("release", venue.seats.release, key=saga.key("hold"))
    except StepFailed as failure:
        saga.park("the seats are free at the end of the hold; nothing need be done", failure)
    return TicketResult(status)
