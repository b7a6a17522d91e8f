# M-G25 the call is made before its intent is written | fault: payments.charge:crash-after | breaks: S-1 | says: you were a different saga
from uuid import uuid4

from saga_lab import CompensationFailed, StepFailed
from saga_lab.worlds.shop import OrderResult


async def order_saga(saga, order, shop):
    key = f"{saga.id}/charge {uuid4()}"
    try:
        payment_id = await shop.payments.charge(key, order.customer_id, order.amount)
    except Exception:
        await saga.step("refund", shop.payments.refund, key=key)
        return OrderResult("failed")
    try:
        reservation_id = await saga.step(
            "reserve", shop.inventory.reserve, order.order_id, order.items, compensate=shop.inventory.release
        )
        shipment_id = await saga.step(
            "ship", shop.shipping.create, order.order_id, reservation_id, compensate=shop.shipping.cancel
        )
    except StepFailed:
        try:
            await saga.compensate()
            await saga.step("refund", shop.payments.refund, key=key)
        except (CompensationFailed, StepFailed):
            return OrderResult("manual_intervention_required")
        return OrderResult("failed")

    try:
        await saga.step("mail", shop.mail.send, order.customer_id, order.order_id)
    except StepFailed as failure:
        saga.park("send the mail", failure)
    return OrderResult("completed", payment_id, reservation_id, shipment_id)
