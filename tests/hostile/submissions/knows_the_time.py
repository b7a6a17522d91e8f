# whatever a real clock tells decides | played twice, it must be the same | fail

import time

from saga_lab.worlds.shop import OrderResult


async def order_saga(saga, order, shop):
    return OrderResult("completed" if time.time_ns() % 2 else "failed")
