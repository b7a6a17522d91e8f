"""A state machine: one variable says where the order stands."""

from saga_lab import InDoubt, StepFailed
from saga_lab.worlds.shop import OrderResult


async def order_saga(saga, order, shop):
    result = OrderResult("completed")
    state, doubt = "charge", False
    while True:
        try:
            match state:
                case "charge":
                    result.payment_id = await saga.step(
                        "charge",
                        shop.payments.charge,
                        order.customer_id,
                        order.amount,
                        check=shop.payments.find,
                    )
                    state = "reserve"
                case "reserve":
                    result.reservation_id = await saga.step(
                        "reserve",
                        shop.inventory.reserve,
                        order.order_id,
                        order.items,
                        check=shop.inventory.find,
                    )
                    state = "ship"
                case "ship":
                    result.shipment_id = await saga.step(
                        "ship",
                        shop.shipping.create,
                        order.order_id,
                        result.reservation_id,
                        check=shop.shipping.find,
                    )
                    state = "mail"
                case "mail":
                    await saga.step("mail", shop.mail.send, order.customer_id, order.order_id)
                    return result
                case "cancel":
                    await saga.step("cancel", shop.shipping.cancel, key=saga.key("ship"))
                    state = "release"
                case "release":
                    await saga.step("release", shop.inventory.release, key=saga.key("reserve"))
                    state = "refund"
                case "refund":
                    await saga.step("refund", shop.payments.refund, key=saga.key("charge"))
                    state = "failed"
                case "failed":
                    return OrderResult("failed")
        except StepFailed as failure:
            doubt = isinstance(failure, InDoubt)
            match state:
                case "charge":
                    state = "refund" if doubt else "failed"
                case "reserve":
                    state = "release" if doubt else "refund"
                case "ship":
                    state = "cancel" if doubt else "release"
                case "mail":
                    saga.park("send the mail")
                    return result
                case _:
                    saga.park(f"{state} by hand, and what comes after it")
                    return OrderResult("manual_intervention_required")
