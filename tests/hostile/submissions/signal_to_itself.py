# SIGSTOP, so that nothing ever comes back | no signals (seccomp); SIGKILL after 5 s without a word | fail

import os
import signal


async def order_saga(saga, order, shop):
    os.kill(os.getpid(), signal.SIGSTOP)
    while True:
        pass
