# timers that wake for ever, without asking anything | 10,000 turns a run | fail

import asyncio


async def order_saga(saga, order, shop):
    while True:
        await asyncio.sleep(0.001)
