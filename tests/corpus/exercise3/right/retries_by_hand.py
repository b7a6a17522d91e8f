"""Retries by hand, with durable pauses; the same name is the same key."""

from saga_lab import Refused, Retry, StepFailed
from saga_lab.worlds.venue import TicketResult


async def again(saga, name, *args):
    for attempt in range(4):
        try:
            return await saga.step(name, *args, retry=Retry(attempts=1))
        except Refused:
            raise
        except StepFailed:
            if attempt == 3:
                raise
            await saga.sleep(2**attempt)


async def ticketing_saga(saga, booking, venue):
    if not booking.seat_ids or len(set(booking.seat_ids)) < len(booking.seat_ids):
        return TicketResult("failed")
    begun = []

    async def back(status):
        for name, undo in reversed(begun):
            try:
                await saga.step(f"undo {name}", undo, key=saga.key(name))
            except StepFailed as failure:
                saga.park(f"undo {name} by hand, then the older ones", failure)
                return TicketResult("manual_intervention_required")
        return TicketResult(status)

    try:
        begun.append(("hold", venue.seats.release))
        hold = await again(saga, "hold", venue.seats.hold, booking.event_id, booking.seat_ids)
    except StepFailed as failure:
        return await back("sold_out" if isinstance(failure, Refused) else "failed")

    try:
        begun.append(("charge", venue.payments.refund))
        payment_id = await again(
            saga, "charge", venue.payments.charge, booking.customer_id, booking.total_amount
        )
        begun.append(("issue", venue.tickets.revoke))
        ticket_ids = await again(saga, "issue", venue.tickets.issue, hold.token)
    except StepFailed as failure:
        if isinstance(failure, Refused) and failure.step == "charge":
            return await back("payment_failed")
        return await back("failed" if saga.now() < hold.expires_at else "timeout")

    try:
        await again(saga, "mail", venue.mail.send, booking.customer_id, ticket_ids)
    except StepFailed as failure:
        saga.park("send the tickets by mail", failure)
    return TicketResult("confirmed", hold.id, payment_id, ticket_ids)
