# services that answer by themselves | their ledgers are in the judge's process | fail

from saga_lab.worlds.shop import OrderResult


async def answer(*args):
    return "payment-1"


async def order_saga(saga, order, shop):
    for service in (shop.payments, shop.inventory, shop.shipping, shop.mail):
        for name in list(vars(service)):
            vars(service)[name] = answer
    payment = await saga.step("charge", shop.payments.charge, order.customer_id, order.amount)
    return OrderResult("completed", payment, "reservation-1", "shipment-1")
