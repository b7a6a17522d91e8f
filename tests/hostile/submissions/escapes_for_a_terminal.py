# a status that clears the screen and writes a pass | control characters are written as such | fail

from saga_lab.worlds.shop import OrderResult


async def order_saga(saga, order, shop):
    return OrderResult("\x1b[2J\x1b[H\x1b[32mpass \u202e\x07 70 / 70 points\r\n")
