"""Tickets in doubt are left to a person; nothing of them is undone meanwhile."""

from saga_lab import Refused, StepFailed, Unavailable
from saga_lab.worlds.venue import TicketResult


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
        hold = await saga.step("hold", venue.seats.hold, booking.event_id, booking.seat_ids)
    except StepFailed as failure:
        return await back("sold_out" if isinstance(failure, Refused) else "failed")

    try:
        begun.append(("charge", venue.payments.refund))
        payment_id = await saga.step(
            "charge", venue.payments.charge, booking.customer_id, booking.total_amount
        )
        ticket_ids = await saga.step("issue", venue.tickets.issue, hold.token, check=venue.tickets.find)
    except StepFailed as failure:
        if failure.step == "issue" and not isinstance(failure, (Refused, Unavailable)):
            saga.park("see whether the tickets were issued; else refund and release", failure)
            return TicketResult("manual_intervention_required")
        if isinstance(failure, Refused) and failure.step == "charge":
            return await back("payment_failed")
        return await back("failed" if saga.now() < hold.expires_at else "timeout")

    try:
        await saga.step("mail", venue.mail.send, booking.customer_id, ticket_ids)
    except StepFailed as failure:
        saga.park("send the tickets by mail", failure)
    return TicketResult("confirmed", hold.id, payment_id, ticket_ids)
