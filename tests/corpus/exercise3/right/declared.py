"""What can be undone is declared as data; the mail comes after that list."""

from saga_lab import CompensationFailed, Refused, Saga, Step, StepFailed
from saga_lab.worlds.venue import TicketResult


def sale(venue):
    return Saga(
        "sale",
        [
            Step(
                "hold",
                venue.seats.hold,
                args=lambda booking, results: (booking.event_id, booking.seat_ids),
                compensate=venue.seats.release,
                check=venue.seats.find,
            ),
            Step(
                "charge",
                venue.payments.charge,
                args=lambda booking, results: (booking.customer_id, booking.total_amount),
                compensate=venue.payments.refund,
                check=venue.payments.find,
            ),
            Step(
                "issue",
                venue.tickets.issue,
                args=lambda booking, results: (results["hold"].token,),
                compensate=venue.tickets.revoke,
                check=venue.tickets.find,
                pivot=True,
            ),
        ],
    )


async def ticketing_saga(saga, booking, venue):
    if not booking.seat_ids or len(set(booking.seat_ids)) < len(booking.seat_ids):
        return TicketResult("failed")
    try:
        sold = await sale(venue)(saga, booking)
    except CompensationFailed:
        return TicketResult("manual_intervention_required")
    except Refused as no:
        told = {"hold": "sold_out", "charge": "payment_failed", "issue": "timeout"}
        return TicketResult(told[no.step])
    except StepFailed as failure:
        return TicketResult("failed" if failure.step == "hold" else "timeout")
    try:
        await saga.step("mail", venue.mail.send, booking.customer_id, sold["issue"])
    except StepFailed as failure:
        saga.park("send the tickets", failure)
    return TicketResult("confirmed", sold["hold"].id, sold["charge"], sold["issue"])
