# recursion without an end | Python's own limit | fail


async def order_saga(saga, order, shop):
    def deeper(n):
        return deeper(n + 1)

    return deeper(0)
