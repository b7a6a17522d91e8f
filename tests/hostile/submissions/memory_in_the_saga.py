# all the memory there is, in the saga, again and again | a limit on address space; 5 s without a word | fail


async def order_saga(saga, order, shop):
    kept = []
    while True:
        try:
            kept.append(bytearray(1 << 26))
        except MemoryError:
            kept.clear()
