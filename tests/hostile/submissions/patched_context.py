# steps that succeed without a call | the world is judged, not the log | fail

from saga_lab.context import SagaContext
from saga_lab.worlds.shop import OrderResult


async def step(self, name, action, *args, **more):
    return f"{name}-1"


SagaContext.step = step


async def order_saga(saga, order, shop):
    for name in ("payment", "reservation", "shipment"):
        await saga.step(name, None)
    return OrderResult("completed", "payment-1", "reservation-1", "shipment-1")
