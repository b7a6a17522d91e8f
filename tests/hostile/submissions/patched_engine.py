# an engine that says done without asking | the world is judged, not the log | fail

from saga_lab.engine import Engine
from saga_lab.worlds.shop import OrderResult


class Run:
    async def result(self):
        return OrderResult("completed", "payment-1", "reservation-1", "shipment-1")


async def start(self, *args, **more):
    return Run()


Engine.start = start


async def order_saga(saga, order, shop):
    return OrderResult("completed", "payment-1", "reservation-1", "shipment-1")
