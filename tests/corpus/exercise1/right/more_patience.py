"""Other budgets and time-outs, every step through one helper; the mail by a short loop."""

from saga_lab import CompensationFailed, InDoubt, Retry, StepFailed
from saga_lab.worlds.shop import OrderResult


async def order_saga(saga, order, shop):
    patient = {"retry": Retry(attempts=6, first=0.5, longest=5), "timeout": 10}
    try:
        payment_id = await saga.step(
            "pay",
            shop.payments.charge,
            order.customer_id,
            order.amount,
            compensate=shop.payments.refund,
            **patient,
        )
        reservation_id = await saga.step(
            "put aside",
            shop.inventory.reserve,
            order.order_id,
            order.items,
            compensate=shop.inventory.release,
            **patient,
        )
        shipment_id = await saga.step(
            "hand over",
            shop.shipping.create,
            order.order_id,
            reservation_id,
            compensate=shop.shipping.cancel,
            pivot=True,
            **patient,
        )
    except StepFailed:
        try:
            await saga.compensate(on_stuck="continue")
        except CompensationFailed:
            return OrderResult(status="manual_intervention_required")
        return OrderResult(status="failed")
    for _ in range(2):
        try:
            await saga.step("mail", shop.mail.send, order.customer_id, order.order_id)
            break
        except InDoubt as failure:
            last = failure
        except StepFailed as failure:
            saga.park("send the mail", failure)
            break
    else:
        saga.park("send the mail", last)
    return OrderResult(
        status="completed", payment_id=payment_id, reservation_id=reservation_id, shipment_id=shipment_id
    )
