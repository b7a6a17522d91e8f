"""A class that fills its result as it goes; step and code of a no say how it ends."""

from saga_lab import CompensationFailed, Refused, StepFailed
from saga_lab.worlds.venue import TicketResult


class Booking:
    def __init__(self, saga, booking, venue):
        self.saga, self.b, self.v, self.r = saga, booking, venue, TicketResult("confirmed")

    async def run(self):
        seats = self.b.seat_ids
        if len(seats) == 0 or len(seats) != len({*seats}):
            return TicketResult("failed")
        try:
            return await self.forward()
        except CompensationFailed:
            return TicketResult("manual_intervention_required")

    async def forward(self):
        s, v, b = self.saga, self.v, self.b
        hold = None
        try:
            async with s.scope(on_stuck="continue"):
                hold = await s.step("hold", v.seats.hold, b.event_id, b.seat_ids, compensate=v.seats.release)
                self.r.reservation_id = hold.id
                self.r.payment_id = await s.step(
                    "pay",
                    v.payments.charge,
                    b.customer_id,
                    b.total_amount,
                    compensate=v.payments.refund,
                    timeout=20,
                )
                self.r.ticket_ids = await s.step(
                    "tickets", v.tickets.issue, hold.token, compensate=v.tickets.revoke, pivot=True
                )
        except Refused as no:
            match no.step, no.code:
                case "hold", _:
                    return TicketResult("sold_out")
                case "pay", _:
                    return TicketResult("payment_failed")
                case _, "expired":
                    return TicketResult("timeout")
                case _:
                    return TicketResult("timeout" if s.now() >= hold.expires_at else "failed")
        except StepFailed:
            return TicketResult("timeout" if hold and s.now() >= hold.expires_at else "failed")
        try:
            await s.step("mail", v.mail.send, b.customer_id, self.r.ticket_ids)
        except StepFailed as f:
            s.park("mail the tickets", f)
        return self.r


async def ticketing_saga(saga, booking, venue):
    return await Booking(saga, booking, venue).run()
