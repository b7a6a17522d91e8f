# M3-00b the starter filled in, and the request not looked at | fault: case:duplicate-seats | breaks: S-0 | says: each named once
from saga_lab import SagaContext, StepFailed
from saga_lab.worlds.venue import TicketRequest, TicketResult, Venue


async def ticketing_saga(saga: SagaContext, booking: TicketRequest, venue: Venue) -> TicketResult:
    try:
        hold = await saga.step("hold", venue.seats.hold, booking.event_id, booking.seat_ids)
    except StepFailed:
        return TicketResult(status="sold_out")

    try:
        payment_id = await saga.step(
            "charge", venue.payments.charge, booking.customer_id, booking.total_amount, timeout=15 * 60
        )
    except StepFailed:
        await saga.step("release", venue.seats.release, key=saga.key("hold"))
        return TicketResult(status="payment_failed")

    ticket_ids = await saga.step("issue", venue.tickets.issue, hold.token)

    await saga.step("mail", venue.mail.send, booking.customer_id, ticket_ids)

    return TicketResult(
        status="confirmed", reservation_id=hold.id, payment_id=payment_id, ticket_ids=ticket_ids
    )
