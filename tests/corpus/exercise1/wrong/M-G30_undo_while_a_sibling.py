# M-G30 undo while a sibling is still under way | fault: inventory.reserve:refuse + payments.charge:slow=5m | breaks: S-9
import asyncio

from saga_lab import CompensationFailed, StepFailed
from saga_lab.worlds.shop import OrderResult


async def order_saga(saga, order, shop):
    charge = asyncio.create_task(saga.step("charge", shop.payments.charge, order.customer_id, order.amount))
    try:
        reservation_id = await saga.step(
            "reserve", shop.inventory.reserve, order.order_id, order.items, compensate=shop.inventory.release
        )
        payment_id = await charge
        shipment_id = await saga.step(
            "ship", shop.shipping.create, order.order_id, reservation_id, compensate=shop.shipping.cancel
        )
    except StepFailed:
        try:
            await saga.compensate()
            if charge.done():
                await saga.step("refund", shop.payments.refund, key=saga.key("charge"))
            await asyncio.gather(charge, return_exceptions=True)
        except (CompensationFailed, StepFailed):
            return OrderResult("manual_intervention_required")
        return OrderResult("failed")

    try:
        await saga.step("mail", shop.mail.send, order.customer_id, order.order_id)
    except StepFailed as failure:
        saga.park("send the mail", failure)
    return OrderResult("completed", payment_id, reservation_id, shipment_id)
