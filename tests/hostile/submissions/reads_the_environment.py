# secrets from the environment, told as the status | an environment of its own | fail

import os

from saga_lab.worlds.shop import OrderResult


async def order_saga(saga, order, shop):
    return OrderResult(repr(dict(os.environ)))
