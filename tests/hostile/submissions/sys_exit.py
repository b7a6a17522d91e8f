# sys.exit in the saga | told as an error that left it | fail

import sys


async def order_saga(saga, order, shop):
    sys.exit(0)
