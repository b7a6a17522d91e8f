"""Scopes in scopes: each, left well, leaves its undos to the one around it."""

from saga_lab import CompensationFailed, StepFailed
from saga_lab.worlds.shop import OrderResult


async def order_saga(saga, order, shop):
    try:
        async with saga.scope():
            async with saga.scope():
                async with saga.scope():
                    payment_id = await saga.step(
                        "charge",
                        shop.payments.charge,
                        order.customer_id,
                        order.amount,
                        compensate=shop.payments.refund,
                    )
                reservation_id = await saga.step(
                    "reserve",
                    shop.inventory.reserve,
                    order.order_id,
                    order.items,
                    compensate=shop.inventory.release,
                )
            shipment_id = await saga.step(
                "ship",
                shop.shipping.create,
                order.order_id,
                reservation_id,
                compensate=shop.shipping.cancel,
                pivot=True,
            )
    except CompensationFailed:
        return OrderResult("manual_intervention_required")
    except StepFailed:
        return OrderResult("failed")

    try:
        await saga.step("mail", shop.mail.send, order.customer_id, order.order_id)
    except StepFailed as failure:
        saga.park("send the mail", failure)
    return OrderResult("completed", payment_id, reservation_id, shipment_id)
