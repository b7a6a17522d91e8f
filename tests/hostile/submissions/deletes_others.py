# others' submissions and the gradebook are deleted | files (bubblewrap, landlock) | fail | sandbox

import os
import shutil

from saga_lab.worlds.shop import OrderResult

shutil.rmtree("{CLASS}", ignore_errors=True)
for name in ("gradebook.db", "ada/exercise1_ecommerce_order.py"):
    try:
        os.truncate(f"{CLASS}/{name}", 0)
    except OSError:
        pass
    try:
        os.chmod(f"{CLASS}/{name}", 0)
    except OSError:
        pass
    try:
        os.close(os.open(f"{CLASS}/{name}", os.O_RDONLY | os.O_TRUNC))
    except OSError:
        pass


async def order_saga(saga, order, shop):
    return OrderResult("completed", "payment-1", "reservation-1", "shipment-1")
