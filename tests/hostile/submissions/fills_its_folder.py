# many long files in its own folder, and links out of it | a limit on files; the folder goes with it | fail

import os

from saga_lab.worlds.shop import OrderResult

for n in range(50):
    try:
        with open(f"long{n}", "wb") as file:
            for _ in range(40):
                file.write(b"x" * (1 << 20))
    except OSError:
        pass
try:
    os.symlink("{CLASS}", "out")
    os.mkdir("closed", 0)
    os.chmod(".", 0)
except OSError:
    pass


async def order_saga(saga, order, shop):
    return OrderResult("completed", "payment-1", "reservation-1", "shipment-1")
