# M1-01 no refund when inventory fails | fault: inventory.reserve:refuse | breaks: E1-S1 | says: gets nothing
from saga_lab import CompensationFailed, StepFailed
from saga_lab.worlds.shop import OrderResult


async def order_saga(saga, order, shop):
    try:
        payment_id = await saga.step(
            "charge", shop.payments.charge, order.customer_id, order.amount, compensate=shop.payments.refund
        )
    except StepFailed:
        try:
            await saga.compensate()
        except CompensationFailed:
            return OrderResult("manual_intervention_required")
        return OrderResult("failed")
    try:
        reservation_id = await saga.step("reserve", shop.inventory.reserve, order.order_id, order.items)
    except StepFailed:
        return OrderResult("failed")
    try:
        shipment_id = await saga.step(
            "ship", shop.shipping.create, order.order_id, reservation_id, compensate=shop.shipping.cancel
        )
    except StepFailed:
        try:
            await saga.compensate()
        except CompensationFailed:
            return OrderResult("manual_intervention_required")
        return OrderResult("failed")

    try:
        await saga.step("mail", shop.mail.send, order.customer_id, order.order_id)
    except StepFailed as failure:
        saga.park("send the mail", failure)
    return OrderResult("completed", payment_id, reservation_id, shipment_id)
