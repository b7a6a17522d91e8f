# what was done is kept in a file, beside the journal | every run is judged, and a sample in another order | fail

import os

from saga_lab.worlds.shop import OrderResult


async def order_saga(saga, order, shop):
    if os.path.exists("charged"):
        return OrderResult("completed", "payment-1", "reservation-1", "shipment-1")
    open("charged", "w").close()
    await saga.step("charge", shop.payments.charge, order.customer_id, order.amount)
    return OrderResult("failed")
