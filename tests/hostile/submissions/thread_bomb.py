# threads that start threads | seccomp, and a limit of none | fail

import _thread
import threading

from saga_lab.worlds.shop import OrderResult


def spin():
    while True:
        _thread.start_new_thread(spin, ())


for _ in range(99):
    try:
        threading.Thread(target=spin, daemon=True).start()
    except RuntimeError:
        pass


async def order_saga(saga, order, shop):
    return OrderResult("completed", "payment-1", "reservation-1", "shipment-1")
