"""A small class keeps the undos, as an exit stack would; seats that cannot be released end by themselves."""

from saga_lab import Cancelled, InDoubt, Refused, StepFailed
from saga_lab.worlds.venue import TicketResult


class Undos:
    def __init__(self, saga):
        self.saga = saga
        self.stack = []

    async def do(self, name, action, undo, *args, **more):
        self.stack.append((name, undo))
        try:
            return await self.saga.step(name, action, *args, **more)
        except StepFailed as failure:
            if not isinstance(failure, InDoubt):
                self.stack.pop()
            raise

    async def unwind(self):
        """Whether all is undone that does not end by itself."""
        while self.stack:
            name, undo = self.stack.pop()
            try:
                await self.saga.step(f"undo-{name}", undo, key=self.saga.key(name))
            except StepFailed as failure:
                if name == "hold":
                    continue
                self.saga.park(f"undo {name} and then release the seats", failure)
                return False
        return True


async def ticketing_saga(saga, booking, venue):
    if not booking.seat_ids or len(set(booking.seat_ids)) != len(booking.seat_ids):
        return TicketResult("failed")
    undos = Undos(saga)
    ends = None
    try:
        hold = await undos.do(
            "hold", venue.seats.hold, venue.seats.release, booking.event_id, booking.seat_ids
        )
        ends = hold.expires_at
        payment = await undos.do(
            "pay",
            venue.payments.charge,
            venue.payments.refund,
            booking.customer_id,
            booking.total_amount,
            check=venue.payments.find,
        )
        tickets = await undos.do(
            "issue", venue.tickets.issue, venue.tickets.revoke, hold.token, check=venue.tickets.find
        )
    except (StepFailed, Cancelled) as failure:
        status = "timeout" if ends is not None and saga.now() >= ends else "failed"
        if isinstance(failure, Refused) and failure.step != "issue":
            status = {"hold": "sold_out", "pay": "payment_failed"}[failure.step]
        return TicketResult(status if await undos.unwind() else "manual_intervention_required")
    try:
        await saga.step("mail", venue.mail.send, booking.customer_id, tickets)
    except StepFailed as failure:
        saga.park("mail the tickets", failure)
    return TicketResult("confirmed", hold.id, payment, tickets)
