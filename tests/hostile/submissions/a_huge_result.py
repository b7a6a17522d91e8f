# a result of 100 MB | messages of 4 MB at most | fail

from saga_lab.worlds.shop import OrderResult


async def order_saga(saga, order, shop):
    return OrderResult("completed", "x" * 100_000_000)
