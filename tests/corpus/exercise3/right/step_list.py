"""A list of steps and one loop; undos by hand, newest first, under the keys of the actions."""

from saga_lab import Cancelled, Refused, StepFailed
from saga_lab.worlds.venue import TicketResult


async def ticketing_saga(saga, booking, venue):
    if not booking.seat_ids or len(booking.seat_ids) > len(set(booking.seat_ids)):
        return TicketResult(status="failed")
    value = {}
    steps = [
        ("hold", venue.seats.hold, lambda: (booking.event_id, booking.seat_ids), venue.seats.release),
        (
            "charge",
            venue.payments.charge,
            lambda: (booking.customer_id, booking.total_amount),
            venue.payments.refund,
        ),
        ("issue", venue.tickets.issue, lambda: (value["hold"].token,), venue.tickets.revoke),
    ]
    refusals = {"hold": "sold_out", "charge": "payment_failed"}
    for place, (name, action, args, _) in enumerate(steps):
        try:
            value[name] = await saga.step(name, action, *args())
        except (StepFailed, Cancelled) as failure:
            over = "hold" in value and saga.now() >= value["hold"].expires_at
            status = "timeout" if over else "failed"
            if isinstance(failure, Refused):
                status = refusals.get(name, status)
            stuck = False
            for older, _, _, undo in reversed(steps[: place + 1]):
                try:
                    await saga.step(f"undo {older}", undo, key=saga.key(older))
                except StepFailed as failed:
                    saga.park(f"undo {older} of this booking", failed)
                    stuck = True
                    if older == "issue":  # the tickets may be valid, so they stay paid
                        break
            return TicketResult(status="manual_intervention_required" if stuck else status)
    try:
        await saga.step("mail", venue.mail.send, booking.customer_id, value["issue"])
    except (StepFailed, Cancelled):
        saga.park("send the tickets by hand")
    return TicketResult("confirmed", value["hold"].id, value["charge"], value["issue"])
