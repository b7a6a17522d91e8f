# the stack of C overflows while the file is read | a process of its own: SIGSEGV | not run

import sys

from saga_lab.worlds.shop import OrderResult

sys.setrecursionlimit(1 << 30)
nested = []
for _ in range(1 << 22):
    nested = [nested]
repr(nested)


async def order_saga(saga, order, shop):
    return OrderResult("completed", "payment-1", "reservation-1", "shipment-1")
