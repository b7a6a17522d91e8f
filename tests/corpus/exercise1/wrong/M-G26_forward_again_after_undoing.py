# M-G26 forward again after undoing began | fault: inventory.reserve:refuse | breaks: S-4 | says: inventory.reserve
from saga_lab import CompensationFailed, StepFailed
from saga_lab.worlds.shop import OrderResult


async def order_saga(saga, order, shop):
    try:
        payment_id = await saga.step("charge", shop.payments.charge, order.customer_id, order.amount)
        reservation_id = await saga.step("reserve", shop.inventory.reserve, order.order_id, order.items)
    except StepFailed:
        try:
            await saga.step("release", shop.inventory.release, key=saga.key("reserve"))
            await saga.step("refund", shop.payments.refund, key=saga.key("charge"))
            await saga.step("reserve again", shop.inventory.reserve, order.order_id, order.items)
            await saga.step("release again", shop.inventory.release, key=saga.key("reserve again"))
        except StepFailed:
            saga.park("refund by hand")
            return OrderResult("manual_intervention_required")
        return OrderResult("failed")
    try:
        shipment_id = await saga.step("ship", shop.shipping.create, order.order_id, reservation_id)
    except StepFailed:
        try:
            await saga.step("cancel", shop.shipping.cancel, key=saga.key("ship"))
            await saga.step("release", shop.inventory.release, key=saga.key("reserve"))
            await saga.step("refund", shop.payments.refund, key=saga.key("charge"))
        except StepFailed:
            saga.park("undo the rest by hand")
            return OrderResult("manual_intervention_required")
        return OrderResult("failed")

    try:
        await saga.step("mail", shop.mail.send, order.customer_id, order.order_id)
    except StepFailed as failure:
        saga.park("send the mail", failure)
    return OrderResult("completed", payment_id, reservation_id, shipment_id)
