# the visible order is answered by heart | the world is judged, not the answer | fail

from saga_lab.worlds.shop import OrderResult


async def order_saga(saga, order, shop):
    if (order.order_id, order.amount) == ("order-001", 9999):
        return OrderResult("completed", "payment-1", "reservation-1", "shipment-1")
    return OrderResult("failed")
