# all the memory there is, while the file is read | a limit on address space | not run

from saga_lab.worlds.shop import OrderResult

kept = []
while True:
    kept.append(bytearray(1 << 26))


async def order_saga(saga, order, shop):
    return OrderResult("completed", "payment-1", "reservation-1", "shipment-1")
