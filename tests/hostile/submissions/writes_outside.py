# files wherever one may be made | files (bubblewrap, landlock) | fail | sandbox

import os

from saga_lab.worlds.shop import OrderResult

for folder in (
    "{CLASS}",
    "{ROOT}",
    "/tmp",
    "/var/tmp",
    "/dev/shm",
    "/run",
    "/etc",
    os.path.expanduser("~root"),
    "..",
    "../..",
):
    try:
        with open(os.path.join(folder, "saga-lab-hostile"), "w") as file:
            file.write("here")
    except OSError:
        pass


async def order_saga(saga, order, shop):
    return OrderResult("completed", "payment-1", "reservation-1", "shipment-1")
