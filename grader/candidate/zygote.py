"""The process from which candidates are forked: everything is imported, nothing of a submission has run."""

from __future__ import annotations

import gc
import importlib
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence

import msgspec
from msgspec import Struct

import saga_lab
from grader.candidate import child, confine
from grader.candidate.messages import TO_THE_ZYGOTE, Exit, Fork, Hatch, HowEnded, Kill, Load, Stand


class Orders(Struct, frozen=True):
    """How to begin: in a folder that is the candidate's own.

    `readable`: the only other files that may be opened. `nobody`: give up the rights of root, `read_all`
    but one.
    """

    world: str
    folder: str
    readable: Sequence[str] | None
    nobody: bool
    read_all: bool


def main() -> None:
    """Fork candidates and end them, until the judge is gone. Its words come over the socket of `argv[1]`."""
    judge = Hatch(socket.socket(fileno=int(sys.argv[1])))
    orders = msgspec.json.decode(sys.argv[2], type=Orders)
    importlib.import_module(orders.world.partition(":")[0])
    saga_lab.__all__.remove("SqlJournal")  # which needs what is not here: `import *` would ask for it
    os.chdir(orders.folder)
    if orders.readable is not None:
        confine.lock_files(orders.readable, [orders.folder])
    _Zygote(judge, orders).serve()


class _Zygote:
    def __init__(self, judge: Hatch, orders: Orders) -> None:
        self._judge = judge
        self._orders = orders
        self._children: list[int] = []
        self._ended: dict[int, int] = {}
        self._ready: child.Ready | None = None

    def serve(self) -> None:
        gc.collect()
        gc.freeze()  # what is shared stays shared: the collector would touch, and so copy, every page
        while data := self._judge.receive():
            order = TO_THE_ZYGOTE.decode(data)
            match order:
                case Load():
                    self._ready = child.compiled(order)
                case Fork():
                    self._fork(self._judge.socket())
                case Kill():
                    self._end(order.number, 0)
                case Stand():
                    os.kill(self._children[order.number], signal.SIGUSR1)
                case HowEnded():
                    self._judge.send(Exit(self._end(order.number, order.patience)))
        for number in range(len(self._children)):
            self._end(number, 0)

    def _fork(self, theirs: socket.socket) -> None:
        assert self._ready is not None
        pid = os.fork()
        if pid == 0:
            self._judge.close()
            if self._orders.nobody:
                confine.become_nobody(self._orders.read_all)
            child.serve(theirs, self._ready)
        theirs.close()
        self._children.append(pid)

    def _end(self, number: int, patience: float) -> int:
        """Wait for a child for so many seconds, then kill it; gives how it ended."""
        pid, until = self._children[number], time.monotonic() + patience
        while number not in self._ended:
            gone, status = os.waitpid(pid, os.WNOHANG)
            if gone:
                self._ended[number] = os.waitstatus_to_exitcode(status)
            elif time.monotonic() < until:
                time.sleep(0.002)
            else:
                os.kill(pid, signal.SIGKILL)
                self._ended[number] = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return self._ended[number]


if __name__ == "__main__":
    main()
