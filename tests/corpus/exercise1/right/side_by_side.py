"""Payment and stock side by side, in a scope that waits for both."""

from saga_lab import CompensationFailed, StepFailed
from saga_lab.worlds.shop import OrderResult


async def order_saga(saga, order, shop):
    try:
        async with saga.scope():
            pay, stock = await saga.gather(
                saga.step(
                    "charge",
                    shop.payments.charge,
                    order.customer_id,
                    order.amount,
                    compensate=shop.payments.refund,
                    check=shop.payments.find,
                ),
                saga.step(
                    "reserve",
                    shop.inventory.reserve,
                    order.order_id,
                    order.items,
                    compensate=shop.inventory.release,
                    check=shop.inventory.find,
                ),
            )
            parcel = await saga.step(
                "ship",
                shop.shipping.create,
                order.order_id,
                stock,
                compensate=shop.shipping.cancel,
                check=shop.shipping.find,
                pivot=True,
            )
    except CompensationFailed:
        return OrderResult("manual_intervention_required")
    except StepFailed:
        return OrderResult("failed")
    try:
        await saga.step("mail", shop.mail.send, order.customer_id, order.order_id)
    except StepFailed as f:
        saga.park("mail", f)
    return OrderResult("completed", pay, stock, parcel)
