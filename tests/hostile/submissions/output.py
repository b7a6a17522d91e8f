# 100 MB of print, to every stream | 4,000 characters are kept | fail

import sys

from saga_lab.worlds.shop import OrderResult

for _ in range(25):
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        try:
            stream.write("x" * (1 << 20))
        except (OSError, AttributeError, ValueError):
            pass


async def order_saga(saga, order, shop):
    return OrderResult("completed", "payment-1", "reservation-1", "shipment-1")
