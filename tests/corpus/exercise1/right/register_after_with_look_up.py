"""Undos are noted after the call; after a doubt a look-up by hand decides, and doubt is undone."""

from saga_lab import InDoubt, StepFailed
from saga_lab.worlds.shop import OrderResult


async def order_saga(saga, order, shop):
    done = []

    async def do(name, service, action, undo, *args):
        try:
            value = await saga.step(name, action, *args)
        except InDoubt:
            try:
                seen = await saga.step(f"find {name}", service.find, key=saga.key(name))
            except StepFailed:
                done.append((name, undo))
                raise
            if seen.state == "done":
                done.append((name, undo))
                return seen.value
            if seen.state == "unseen":
                done.append((name, undo))
            raise
        done.append((name, undo))
        return value

    try:
        pay = await do(
            "charge",
            shop.payments,
            shop.payments.charge,
            shop.payments.refund,
            order.customer_id,
            order.amount,
        )
        held = await do(
            "reserve",
            shop.inventory,
            shop.inventory.reserve,
            shop.inventory.release,
            order.order_id,
            order.items,
        )
        sent = await do(
            "ship", shop.shipping, shop.shipping.create, shop.shipping.cancel, order.order_id, held
        )
    except StepFailed:
        for name, undo in reversed(done):
            try:
                await saga.step(f"undo {name}", undo, key=saga.key(name))
            except StepFailed as failure:
                saga.park(f"undo {name} and what is older, by hand", failure)
                return OrderResult("manual_intervention_required")
        return OrderResult("failed")
    try:
        await saga.step("mail", shop.mail.send, order.customer_id, order.order_id)
    except StepFailed as failure:
        saga.park("send the mail", failure)
    return OrderResult("completed", pay, held, sent)
