# a loop that catches whatever could end it | SIGKILL after 5 s without a word | fail

import signal


async def order_saga(saga, order, shop):
    for number in {*signal.Signals} - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
