# a process that leaves its session to outlive the grader | seccomp, and a limit of none | fail

import os

from saga_lab.worlds.shop import OrderResult

try:
    if os.fork() == 0:
        os.setsid()
        os.execv("/bin/sleep", ["sleep", "999", "saga-lab-hostile"])
except OSError:
    pass


async def order_saga(saga, order, shop):
    return OrderResult("completed", "payment-1", "reservation-1", "shipment-1")
