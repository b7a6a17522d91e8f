# M1-13 mail is sent again without its key | fault: mail.send:lost | breaks: E1-S5 | says: identical mails
from saga_lab import CompensationFailed, Retry, StepFailed
from saga_lab.worlds.shop import OrderResult

ONCE = Retry(attempts=1)


async def order_saga(saga, order, shop):
    try:
        payment_id = await saga.step(
            "charge", shop.payments.charge, order.customer_id, order.amount, compensate=shop.payments.refund
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

    for attempt in range(4):
        try:
            await saga.step(f"mail {attempt}", shop.mail.send, order.customer_id, order.order_id, retry=ONCE)
            break
        except StepFailed as failure:
            last = failure
    else:
        saga.park("send the mail", last)
    return OrderResult("completed", payment_id, reservation_id, shipment_id)
