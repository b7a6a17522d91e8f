"""Two scopes on a stack of contexts: leaving it with an error undoes both."""

import contextlib

from saga_lab import CompensationFailed, StepFailed
from saga_lab.worlds.shop import OrderResult


async def order_saga(saga, order, shop):
    try:
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(saga.scope())
            p = await saga.step(
                "pay", shop.payments.charge, order.customer_id, order.amount, compensate=shop.payments.refund
            )
            await stack.enter_async_context(saga.scope())
            r = await saga.step(
                "stock",
                shop.inventory.reserve,
                order.order_id,
                order.items,
                compensate=shop.inventory.release,
            )
            s = await saga.step(
                "parcel", shop.shipping.create, order.order_id, r, compensate=shop.shipping.cancel, pivot=True
            )
    except CompensationFailed:
        return OrderResult("manual_intervention_required")
    except StepFailed:
        return OrderResult("failed")
    with contextlib.suppress(StepFailed):
        try:
            await saga.step("mail", shop.mail.send, order.customer_id, order.order_id)
        except StepFailed as f:
            saga.park("mail the customer", f)
            raise
    return OrderResult(status="completed", payment_id=p, reservation_id=r, shipment_id=s)
