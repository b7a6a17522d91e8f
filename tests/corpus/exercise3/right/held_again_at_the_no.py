"""Undos by hand; a token that is refused is released, and the seats are held and issued anew."""

from saga_lab import Refused, StepFailed
from saga_lab.worlds.venue import TicketResult


async def ticketing_saga(saga, booking, venue):
    if not booking.seat_ids or len(set(booking.seat_ids)) < len(booking.seat_ids):
        return TicketResult("failed")
    standing = []

    async def back(status):
        for name, undo in reversed(standing):
            try:
                await saga.step(f"undo {name}", undo, key=saga.key(name))
            except StepFailed as failure:
                saga.park(f"undo {name} by hand, then the older ones", failure)
                return TicketResult("manual_intervention_required")
        return TicketResult(status)

    async def hold_seats(name):
        standing.append((name, venue.seats.release))
        return await saga.step(name, venue.seats.hold, booking.event_id, booking.seat_ids)

    async def issue(name, token):
        standing.append((name, venue.tickets.revoke))
        return await saga.step(name, venue.tickets.issue, token, check=venue.tickets.find)

    try:
        hold = await hold_seats("hold-1")
    except Refused:
        return TicketResult("sold_out")
    except StepFailed:
        return await back("failed")
    try:
        standing.append(("charge", venue.payments.refund))
        payment = await saga.step(
            "charge", venue.payments.charge, booking.customer_id, booking.total_amount, timeout=60
        )
    except Refused:
        return await back("payment_failed")
    except StepFailed:
        return await back("timeout")
    try:
        try:
            tickets = await issue("issue-1", hold.token)
        except Refused as no:
            if no.code != "expired":
                raise
            await saga.step("undo hold-1", venue.seats.release, key=saga.key("hold-1"))
            hold = await hold_seats("hold-2")
            tickets = await issue("issue-2", hold.token)
    except StepFailed:
        return await back("timeout")
    try:
        await saga.step("mail", venue.mail.send, booking.customer_id, tickets)
    except StepFailed as failure:
        saga.park("send the tickets", failure)
    return TicketResult("confirmed", hold.id, payment, tickets)
