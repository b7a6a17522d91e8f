# a loop without an end while the file is read | 5 s without a word | not run

from saga_lab.worlds.shop import OrderResult

while True:
    pass


async def order_saga(saga, order, shop):
    return OrderResult("completed", "payment-1", "reservation-1", "shipment-1")
