# honest once, then by heart | every run is judged | fail

from saga_lab.worlds.shop import OrderResult

runs = []


async def order_saga(saga, order, shop):
    runs.append(1)
    if len(runs) > 1:
        return OrderResult("completed", "payment-1", "reservation-1", "shipment-1")
    payment = await saga.step("charge", shop.payments.charge, order.customer_id, order.amount)
    return OrderResult("completed", payment, "reservation-1", "shipment-1")
