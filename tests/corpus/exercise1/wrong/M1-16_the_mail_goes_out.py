# M1-16 the mail goes out before the parcel | fault: none | breaks: E1-S5 | says: a parcel that did not exist
from saga_lab import CompensationFailed, StepFailed
from saga_lab.worlds.shop import OrderResult


async def order_saga(saga, order, shop):
    try:
        payment_id = await saga.step(
            "charge", shop.payments.charge, order.customer_id, order.amount, compensate=shop.payments.refund
        )
        reservation_id = await saga.step(
            "reserve", shop.inventory.reserve, order.order_id, order.items, compensate=shop.inventory.release
        )
        await saga.step("mail", shop.mail.send, order.customer_id, order.order_id)
        shipment_id = await saga.step(
            "ship", shop.shipping.create, order.order_id, reservation_id, compensate=shop.shipping.cancel
        )
    except StepFailed:
        try:
            await saga.compensate()
        except CompensationFailed:
            return OrderResult("manual_intervention_required")
        return OrderResult("failed")
    return OrderResult("completed", payment_id, reservation_id, shipment_id)
