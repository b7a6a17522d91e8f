# a world in which every promise holds | the judge has a world of its own | fail

from saga_lab.worlds import shop as worlds
from saga_lab.worlds.shop import OrderResult

worlds.ShopWorld.apply = lambda *args: ("done", "payment-1")
worlds.ShopWorld.ledgers = lambda self: {"payments": {"order-001/charge": "charged"}}
worlds.ShopWorld.cases = {}
worlds.ShopWorld.operations = {}


async def order_saga(saga, order, shop):
    return OrderResult("completed", "payment-1", "reservation-1", "shipment-1")
