# M-G05 the error of a step is swallowed | fault: inventory.reserve:refuse | breaks: S-0 | says: you went on as if it had worked
from saga_lab import CompensationFailed, StepFailed
from saga_lab.worlds.shop import OrderResult


async def order_saga(saga, order, shop):
    reservation_id = shipment_id = ""
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
        reservation_id = await saga.step(
            "reserve", shop.inventory.reserve, order.order_id, order.items, compensate=shop.inventory.release
        )
        shipment_id = await saga.step(
            "ship", shop.shipping.create, order.order_id, reservation_id, compensate=shop.shipping.cancel
        )
    except StepFailed:
        print("never mind")

    try:
        await saga.step("mail", shop.mail.send, order.customer_id, order.order_id)
    except StepFailed as failure:
        saga.park("send the mail", failure)
    return OrderResult("completed", payment_id, reservation_id, shipment_id)
