"""A list of steps and one loop; undos by hand, newest first, under the keys of the actions."""

from saga_lab import InDoubt, StepFailed
from saga_lab.worlds.shop import OrderResult


async def order_saga(saga, order, shop):
    got = {}
    steps = [
        ("charge", shop.payments.charge, shop.payments.refund, lambda: (order.customer_id, order.amount)),
        ("reserve", shop.inventory.reserve, shop.inventory.release, lambda: (order.order_id, order.items)),
        ("ship", shop.shipping.create, shop.shipping.cancel, lambda: (order.order_id, got["reserve"])),
    ]
    begun = []
    for name, action, undo, args in steps:
        begun.append((name, undo))
        try:
            got[name] = await saga.step(name, action, *args())
        except StepFailed as failure:
            if not isinstance(failure, InDoubt):
                begun.pop()
            return await back(saga, begun)
    try:
        await saga.step("mail", shop.mail.send, order.customer_id, order.order_id)
    except StepFailed as failure:
        saga.park("send the mail", failure)
    return OrderResult("completed", got["charge"], got["reserve"], got["ship"])


async def back(saga, begun):
    while begun:
        name, undo = begun.pop()
        try:
            await saga.step(f"undo {name}", undo, key=saga.key(name))
        except StepFailed as failure:
            saga.park(f"undo {name} by hand, then {[x for x, _ in reversed(begun)]}", failure)
            return OrderResult("manual_intervention_required")
    return OrderResult("failed")
