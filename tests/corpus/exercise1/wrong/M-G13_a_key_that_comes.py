# M-G13 a key that comes from the process | fault: payments.charge:crash-after | breaks: S-1 | says: you were a different saga
from uuid import uuid4

from saga_lab import CompensationFailed, StepFailed
from saga_lab.worlds.shop import OrderResult

MY_ID = []


async def order_saga(saga, order, shop):
    MY_ID.append(uuid4().hex)

    async def charge(key, customer, amount):
        return await shop.payments.charge(key + MY_ID[-1], customer, amount)

    try:
        payment_id = await saga.step(
            "charge", charge, order.customer_id, order.amount, compensate=shop.payments.refund
        )
        reservation_id = await saga.step(
            "reserve", shop.inventory.reserve, order.order_id, order.items, compensate=shop.inventory.release
        )
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
