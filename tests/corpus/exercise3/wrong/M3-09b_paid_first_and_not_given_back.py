# M3-09b paid first, and not given back when the seats are gone | fault: case:one-of-two-taken | breaks: E3-S3 | says: has paid 120.00
from saga_lab import Refused, StepFailed
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
        payment_id = await saga.step(
            "charge", venue.payments.charge, booking.customer_id, booking.total_amount
        )
    except Refused:
        return TicketResult("payment_failed")
    except StepFailed:
        begun.append(("charge", venue.payments.refund))
        return await back("payment_failed")
    try:
        hold = await saga.step("hold", venue.seats.hold, booking.event_id, booking.seat_ids)
    except Refused:
        return TicketResult("sold_out")
    except StepFailed:
        begun += [("charge", venue.payments.refund), ("hold", venue.seats.release)]
        return await back("failed")
    begun += [("charge", venue.payments.refund), ("hold", venue.seats.release)]
    try:
        begun.append(("issue", venue.tickets.revoke))
        ticket_ids = await saga.step("issue", venue.tickets.issue, hold.token)
    except StepFailed:
        return await back("failed" if saga.now() < hold.expires_at else "timeout")

    try:
        await saga.step("mail", venue.mail.send, booking.customer_id, ticket_ids)
    except StepFailed as failure:
        saga.park("send the tickets by mail", failure)
    return TicketResult("confirmed", hold.id, payment_id, ticket_ids)
