# M1-19 the undo of the shipment creates it again | fault: shipping.create:late=1h* | breaks: S-0 | says: No fault did this: the call did
"""Exercise 1: an order. Each undo is registered before its call, so a lost reply is undone too."""

from saga_lab import CompensationFailed, SagaContext, StepFailed
from saga_lab.worlds.shop import OrderRequest, OrderResult, Shop


async def order_saga(saga: SagaContext, order: OrderRequest, shop: Shop) -> OrderResult:
    pay, stock, ship = shop.payments, shop.inventory, shop.shipping
    try:
        payment_id = await saga.step(
            "charge", pay.charge, order.customer_id, order.amount, compensate=pay.refund, check=pay.find
        )
        reservation_id = await saga.step(
            "reserve", stock.reserve, order.order_id, order.items, compensate=stock.release, check=stock.find
        )
        # The pivot: once the parcel is known to have left, nothing is undone any more. While that is in
        # doubt it can be cancelled, and must be, before its goods and its payment are given back.
        shipment_id = await saga.step(
            "ship",
            ship.create,
            order.order_id,
            reservation_id,
            compensate=ship.create,
            check=ship.find,
            pivot=True,
        )
    except StepFailed:
        try:
            await saga.compensate()
        except CompensationFailed:  # the kernel has written the dead letter
            return OrderResult("manual_intervention_required")
        return OrderResult("failed")

    try:
        await saga.step("mail", shop.mail.send, order.customer_id, order.order_id)
    except StepFailed as failure:  # not critical, but not forgotten either
        saga.park("send the confirmation mail", failure)

    return OrderResult("completed", payment_id, reservation_id, shipment_id)
