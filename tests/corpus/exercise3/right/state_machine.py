"""A state machine: one variable says where the booking stands, another what it will have come to."""

from saga_lab import InDoubt, Refused, StepFailed
from saga_lab.worlds.venue import TicketResult

BACK = {"revoke": "issue", "refund": "charge", "release": "hold"}


async def ticketing_saga(saga, booking, venue):
    result = TicketResult("confirmed")
    seats = booking.seat_ids
    state, outcome = ("hold" if seats and len(seats) == len(set(seats)) else "over"), "failed"
    undos = {
        "revoke": venue.tickets.revoke,
        "refund": venue.payments.refund,
        "release": venue.seats.release,
    }
    while True:
        try:
            match state:
                case "hold":
                    hold = await saga.step("hold", venue.seats.hold, booking.event_id, seats)
                    result.reservation_id = hold.id
                    state = "charge"
                case "charge":
                    if hold.expires_at - saga.now() < 60:
                        outcome, state = "timeout", "release"
                        continue
                    result.payment_id = await saga.step(
                        "charge",
                        venue.payments.charge,
                        booking.customer_id,
                        booking.total_amount,
                        check=venue.payments.find,
                        timeout=20,
                    )
                    state = "issue"
                case "issue":
                    result.ticket_ids = await saga.step(
                        "issue", venue.tickets.issue, hold.token, check=venue.tickets.find
                    )
                    state = "mail"
                case "mail":
                    await saga.step("mail", venue.mail.send, booking.customer_id, result.ticket_ids)
                    return result
                case "over":
                    return TicketResult(outcome)
                case undo:
                    await saga.step(undo, undos[undo], key=saga.key(BACK[undo]))
                    state = {"revoke": "refund", "refund": "release", "release": "over"}[undo]
        except StepFailed as failure:
            doubt = isinstance(failure, InDoubt)
            match state:
                case "hold":
                    outcome = "sold_out" if isinstance(failure, Refused) else "failed"
                    state = "release" if doubt else "over"
                case "charge":
                    outcome = "payment_failed"
                    if saga.now() >= hold.expires_at and not isinstance(failure, Refused):
                        outcome = "timeout"
                    state = "refund" if doubt else "release"
                case "issue":
                    outcome = "timeout"
                    state = "revoke" if doubt else "refund"
                case "mail":
                    saga.park("send the tickets", failure)
                    return result
                case undo:
                    saga.park(f"{undo} by hand, and then what is older", failure)
                    return TicketResult("manual_intervention_required")
