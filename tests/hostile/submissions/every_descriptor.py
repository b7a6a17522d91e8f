# rubbish into every open file descriptor | what no engine says ends the run | not run

import os

from saga_lab.worlds.shop import OrderResult

for number in range(1024):
    for _ in range(16):
        try:
            os.write(number, b"x" * 65_536)
        except OSError:
            break


async def order_saga(saga, order, shop):
    return OrderResult("completed", "payment-1", "reservation-1", "shipment-1")
