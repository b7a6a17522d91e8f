"""Each step calls for the rest; the pivot is the last of a list."""

from saga_lab import CompensationFailed, StepFailed
from saga_lab.worlds.shop import OrderResult


async def order_saga(saga, order, shop):
    found = {}
    todo = [
        ("payment_id", shop.payments, "charge", "refund", lambda: (order.customer_id, order.amount)),
        ("reservation_id", shop.inventory, "reserve", "release", lambda: (order.order_id, order.items)),
        ("shipment_id", shop.shipping, "create", "cancel", lambda: (order.order_id, found["reservation_id"])),
    ]

    async def rest(n):
        if n == len(todo):
            return
        field, service, do, undo, args = todo[n]
        found[field] = await saga.step(
            do,
            getattr(service, do),
            *args(),
            compensate=getattr(service, undo),
            check=service.find,
            pivot=n == 2,
        )
        await rest(n + 1)

    try:
        try:
            await rest(0)
        except StepFailed:
            await saga.compensate(on_stuck="continue")
            return OrderResult("failed")
    except CompensationFailed:
        return OrderResult("manual_intervention_required")
    try:
        await saga.step("mail", shop.mail.send, order.customer_id, order.order_id)
    except StepFailed as f:
        await saga.park("mail it", f)
    return OrderResult("completed", **found)
