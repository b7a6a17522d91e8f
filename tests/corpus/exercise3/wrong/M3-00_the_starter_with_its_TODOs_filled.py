# M3-00 the starter, with its TODOs filled in and nothing else | fault: payments.charge:refuse | breaks: L-1 | says: left the function
from saga_lab import SagaContext, StepFailed
from saga_lab.worlds.venue import TicketRequest, TicketResult, Venue


async def ticketing_saga(saga: SagaContext, booking: TicketRequest, venue: Venue) -> TicketResult:
    if not booking.seat_ids or len(set(booking.seat_ids)) < len(booking.seat_ids):
        return TicketResult(status="failed")
    try:
        hold = await saga.step("hold", venue.seats.hold, booking.event_id, booking.seat_ids)
    except StepFailed:
        return TicketResult(status="sold_out")

    payment_id = await saga.step(
        "charge", venue.payments.charge, booking.customer_id, booking.total_amount, timeout=15 * 60
    )

    ticket_ids = await saga.step("issue", venue.tickets.issue, hold.token)

    await saga.step("mail", venue.mail.send, booking.customer_id, ticket_ids)

    return TicketResult(
        status="confirmed", reservation_id=hold.id, payment_id=payment_id, ticket_ids=ticket_ids
    )
