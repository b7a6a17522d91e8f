# every turn takes nearly as long as silence may | seconds in one run | fail

import asyncio
import time


async def order_saga(saga, order, shop):
    while True:
        time.sleep({SILENCE} * 0.9)
        await asyncio.sleep(1)
