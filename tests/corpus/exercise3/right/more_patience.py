"""Bigger budgets: the payment may take as long as the hold, less two minutes for the tickets."""

from saga_lab import CompensationFailed, Refused, Retry, StepFailed
from saga_lab.worlds.venue import TicketResult


async def ticketing_saga(saga, booking, venue):
    if not booking.seat_ids or len(set(booking.seat_ids)) < len(booking.seat_ids):
        return TicketResult("failed")
    patient = {"retry": Retry(attempts=8, first=0.5, longest=5), "timeout": 10}
    ends = float("inf")
    try:
        hold = await saga.step(
            "hold",
            venue.seats.hold,
            booking.event_id,
            booking.seat_ids,
            compensate=venue.seats.release,
            check=venue.seats.find,
            **patient,
        )
        ends = hold.expires_at
        left = ends - saga.now() - 120
        if left <= 0:
            await saga.compensate()
            return TicketResult("timeout")
        payment = await saga.step(
            "charge",
            venue.payments.charge,
            booking.customer_id,
            booking.total_amount,
            compensate=venue.payments.refund,
            check=venue.payments.find,
            retry=Retry(attempts=10, first=1, within=left),
            timeout=left,
        )
        tickets = await saga.step(
            "issue",
            venue.tickets.issue,
            hold.token,
            compensate=venue.tickets.revoke,
            check=venue.tickets.find,
            pivot=True,
            **patient,
        )
    except CompensationFailed:
        return TicketResult("manual_intervention_required")
    except StepFailed as failure:
        over = saga.now() >= ends
        try:
            await saga.compensate()
        except CompensationFailed:
            return TicketResult("manual_intervention_required")
        if isinstance(failure, Refused) and failure.step == "hold":
            return TicketResult("sold_out")
        if failure.step == "charge" and (isinstance(failure, Refused) or not over):
            return TicketResult("payment_failed")
        return TicketResult("timeout" if over else "failed")
    try:
        await saga.step("mail", venue.mail.send, booking.customer_id, tickets, retry=Retry(attempts=6))
    except StepFailed as failure:
        saga.park("send the tickets", failure)
    return TicketResult("confirmed", hold.id, payment, tickets)
