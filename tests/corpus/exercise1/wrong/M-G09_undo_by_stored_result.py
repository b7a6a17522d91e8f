# M-G09 undo by stored result only | fault: payments.charge:late=1h* | breaks: S-9 | says: may have happened
from saga_lab import StepFailed
from saga_lab.worlds.shop import OrderResult


async def order_saga(saga, order, shop):
    payment_id = reservation_id = shipment_id = None
    try:
        payment_id = await saga.step("charge", shop.payments.charge, order.customer_id, order.amount)
        reservation_id = await saga.step("reserve", shop.inventory.reserve, order.order_id, order.items)
        shipment_id = await saga.step("ship", shop.shipping.create, order.order_id, reservation_id)
    except StepFailed:
        try:
            if shipment_id:
                await saga.step("cancel", shop.shipping.cancel, key=saga.key("ship"))
            if reservation_id:
                await saga.step("release", shop.inventory.release, key=saga.key("reserve"))
            if payment_id:
                await saga.step("refund", shop.payments.refund, key=saga.key("charge"))
        except StepFailed as failure:
            saga.park("undo this and the older ones by hand", failure)
            return OrderResult("manual_intervention_required")
        return OrderResult("failed")

    try:
        await saga.step("mail", shop.mail.send, order.customer_id, order.order_id)
    except StepFailed as failure:
        saga.park("send the mail", failure)
    return OrderResult("completed", payment_id, reservation_id, shipment_id)
