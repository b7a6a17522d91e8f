"""A small class keeps the undos, as an exit stack would."""

from saga_lab import InDoubt, StepFailed
from saga_lab.worlds.shop import OrderResult


class Undos:
    def __init__(self, saga):
        self.saga = saga
        self.stack = []

    async def do(self, name, action, undo, *args):
        try:
            value = await self.saga.step(name, action, *args)
        except InDoubt:
            self.stack.append((name, undo))
            raise
        self.stack.append((name, undo))
        return value

    async def unwind(self):
        while self.stack:
            name, undo = self.stack[-1]
            await self.saga.step(f"undo-{name}", undo, key=self.saga.key(name))
            self.stack.pop()


async def order_saga(saga, order, shop):
    undos = Undos(saga)
    try:
        paid = await undos.do(
            "charge", shop.payments.charge, shop.payments.refund, order.customer_id, order.amount
        )
        held = await undos.do(
            "reserve", shop.inventory.reserve, shop.inventory.release, order.order_id, order.items
        )
        sent = await undos.do("ship", shop.shipping.create, shop.shipping.cancel, order.order_id, held)
    except StepFailed:
        try:
            await undos.unwind()
        except StepFailed as failure:
            saga.park("this undo and the older ones, by hand", failure)
            return OrderResult("manual_intervention_required")
        return OrderResult("failed")
    try:
        await saga.step("mail", shop.mail.send, order.customer_id, order.order_id)
    except StepFailed:
        await saga.park("send the mail")
    return OrderResult("completed", paid, held, sent)
