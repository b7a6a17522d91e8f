# what it knows goes out over the network | no sockets (bubblewrap, seccomp) | fail | sandbox

import socket

from saga_lab.worlds.shop import OrderResult

told = []
for family, where in (
    (socket.AF_INET, ("127.0.0.1", {PORT})),
    (socket.AF_UNIX, "{CLASS}/door"),
    (socket.AF_UNIX, "\0saga-lab"),
):
    try:
        with socket.socket(family) as line:
            line.settimeout(0.2)
            line.connect(where)
            line.send(b"hello")
    except OSError as error:
        told.append(error)


async def order_saga(saga, order, shop):
    return OrderResult("completed", "payment-1", "reservation-1", "shipment-1")
