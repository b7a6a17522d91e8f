"""Undos are noted after the call; after a doubt a look-up by hand decides, and doubt is undone."""

from saga_lab import InDoubt, Refused, StepFailed
from saga_lab.worlds.venue import Hold, TicketResult


async def ticketing_saga(saga, booking, venue):
    if not booking.seat_ids or len(set(booking.seat_ids)) != len(booking.seat_ids):
        return TicketResult("failed")
    done = []

    async def do(name, service, action, undo, *args):
        try:
            value = await saga.step(name, action, *args)
        except InDoubt:
            try:
                seen = await saga.step(f"find {name}", service.find, key=saga.key(name))
            except StepFailed:
                done.append((name, undo))
                raise
            if seen.state != "undone":
                done.append((name, undo))
            if seen.state == "done":
                return seen.value
            raise
        done.append((name, undo))
        return value

    async def back(status):
        for name, undo in reversed(done):
            try:
                await saga.step(f"undo {name}", undo, key=saga.key(name))
            except StepFailed as failure:
                saga.park(f"undo {name} and what is older, by hand", failure)
                return TicketResult("manual_intervention_required")
        return TicketResult(status)

    seats, payments, tickets = venue.seats, venue.payments, venue.tickets
    try:
        hold = await do("hold", seats, seats.hold, seats.release, booking.event_id, booking.seat_ids)
    except Refused:
        return TicketResult("sold_out")
    except StepFailed:
        return await back("failed")
    if isinstance(hold, dict):  # as a look-up tells it
        hold = Hold(**hold)
    if saga.now() >= hold.expires_at:
        return await back("timeout")
    try:
        payment = await do(
            "charge",
            payments,
            payments.charge,
            payments.refund,
            booking.customer_id,
            booking.total_amount,
        )
        issued = await do("issue", tickets, tickets.issue, tickets.revoke, hold.token)
    except StepFailed as failure:
        if failure.step == "charge" and isinstance(failure, Refused):
            return await back("payment_failed")
        return await back("timeout")
    try:
        await saga.step("mail", venue.mail.send, booking.customer_id, issued)
    except StepFailed as failure:
        saga.park("send the tickets", failure)
    return TicketResult("confirmed", hold.id, payment, issued)
