# the stack of C overflows in the saga | a process of its own: SIGSEGV | fail

import sys


async def order_saga(saga, order, shop):
    sys.setrecursionlimit(1 << 30)
    nested = []
    for _ in range(1 << 22):
        nested = [nested]
    return repr(nested)
