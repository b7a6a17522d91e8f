# M-G06 the loop over undos stops at the first error | fault: shipping.create:refuse + inventory.release:down* | breaks: S-9 | says: others were never tried
from saga_lab import StepFailed
from saga_lab.worlds.shop import OrderResult


async def order_saga(saga, order, shop):
    begun = []

    async def back():
        for name, undo in reversed(begun):
            try:
                await saga.step(f"undo {name}", undo, key=saga.key(name))
            except StepFailed as failure:
                break
        return OrderResult("failed")

    try:
        begun.append(("charge", shop.payments.refund))
        payment_id = await saga.step("charge", shop.payments.charge, order.customer_id, order.amount)
        begun.append(("reserve", shop.inventory.release))
        reservation_id = await saga.step("reserve", shop.inventory.reserve, order.order_id, order.items)
        begun.append(("ship", shop.shipping.cancel))
        shipment_id = await saga.step("ship", shop.shipping.create, order.order_id, reservation_id)
    except StepFailed:
        return await back()

    try:
        await saga.step("mail", shop.mail.send, order.customer_id, order.order_id)
    except StepFailed as failure:
        saga.park("send the mail", failure)
    return OrderResult("completed", payment_id, reservation_id, shipment_id)
