"""Undone by hand, newest first; whatever is no answer ran out of time."""

from saga_lab import Cancelled, Refused, StepFailed
from saga_lab.worlds.venue import TicketResult


async def ticketing_saga(saga, booking, venue):
    wanted = list(booking.seat_ids)
    if not wanted or sorted(set(wanted)) != sorted(wanted):
        return TicketResult("failed")
    undos = []

    async def step(name, action, *args, undo):
        undos.append((name, undo))
        return await saga.step(name, action, *args)

    word = "timeout"
    try:
        hold = await step(
            "hold", venue.seats.hold, booking.event_id, booking.seat_ids, undo=venue.seats.release
        )
        paid = await step(
            "charge",
            venue.payments.charge,
            booking.customer_id,
            booking.total_amount,
            undo=venue.payments.refund,
        )
        tickets = await step("issue", venue.tickets.issue, hold.token, undo=venue.tickets.revoke)
    except (StepFailed, Cancelled) as failure:
        if isinstance(failure, Refused):
            word = {"hold": "sold_out", "charge": "payment_failed"}.get(failure.step, "timeout")
        for name, undo in undos[::-1]:
            try:
                await saga.step("undo " + name, undo, key=saga.key(name))
            except StepFailed as stuck:
                saga.park(f"undo {name}, and what came before", stuck)
                word = "manual_intervention_required"
                if name == "issue":
                    break  # a ticket that may be valid stays paid
        return TicketResult(word)
    try:
        await saga.step("mail", venue.mail.send, booking.customer_id, tickets)
    except (StepFailed, Cancelled) as f:
        saga.park("mail", f if isinstance(f, StepFailed) else None)
    return TicketResult("confirmed", hold.id, paid, tickets)
