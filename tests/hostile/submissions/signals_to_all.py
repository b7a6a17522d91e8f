# signals to the parent, its group, and everybody | no signals (seccomp) | fail

import os
import signal

from saga_lab.worlds.shop import OrderResult

for target in (os.getppid(), -1, 0, -os.getpgid(0), -os.getpgid(os.getppid()), 1):
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSTOP):
        try:
            os.kill(target, number)
        except OSError:
            pass
try:
    signal.pidfd_send_signal(os.pidfd_open(os.getppid()), signal.SIGKILL)
except OSError:
    pass


async def order_saga(saga, order, shop):
    return OrderResult("completed", "payment-1", "reservation-1", "shipment-1")
