# a loop without an end in the saga | 5 s without a word | fail


async def order_saga(saga, order, shop):
    while True:
        pass
