# processes that start processes | seccomp, and a limit of none | fail

import os

from saga_lab.worlds.shop import OrderResult


async def order_saga(saga, order, shop):
    for start in (os.fork, os.forkpty, lambda: os.posix_spawn("/bin/sleep", ["sleep", "999"], {})):
        for _ in range(99):
            try:
                start()
            except (OSError, AttributeError):
                pass
    return OrderResult("completed", "payment-1", "reservation-1", "shipment-1")
