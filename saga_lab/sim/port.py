"""A candidate in this process, in a thread of its own, watched so that an endless loop is noticed."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from saga_lab.sim.candidate import Candidate
from saga_lab.sim.messages import Begin, Order, Turn
from saga_lab.worlds.world import World

T = TypeVar("T")
SILENCE = 5.0
"""Real seconds that a candidate may work without a word."""


class EndlessLoop(Exception):
    """The saga never gives back control: it neither waits nor returns. `last`: its last call, if any."""

    def __init__(self, last: str) -> None:
        where = f"after it called {last}" if last else "before it called any service"
        super().__init__(
            f"the saga did not come back for {SILENCE:g} s, {where}: it loops without awaiting anything, "
            "or it blocks (time.sleep stops everything: use saga.sleep)"
        )
        self.last = last


class InProcess:
    """A port to a candidate in this process. All that passes is encoded, so nothing passes by reference."""

    def __init__(self, function: Callable[..., Any], world: type[World]) -> None:
        self._candidate = Candidate(function, world)
        self._encode = msgspec.json.Encoder().encode
        self._order: msgspec.json.Decoder[Order] = msgspec.json.Decoder(Order)
        self._turn = msgspec.json.Decoder(Turn)
        self.last = ""
        self.turns = 0

    def exchange(self, order: Order) -> Turn:
        if isinstance(order, Begin):
            self.last = ""
        turn = self._turn.decode(
            self._encode(self._candidate.exchange(self._order.decode(self._encode(order))))
        )
        for message in turn.messages:
            self.last = getattr(message, "operation", self.last)
        self.turns += 1
        return turn

    def close(self) -> None:
        self._candidate.close()


class _Interrupt(BaseException):
    """Thrown into a thread that does not come back."""


def watched(port: InProcess, work: Callable[[], T]) -> T:
    """Do `work` in a thread of its own; raises EndlessLoop when the candidate stays silent for too long.

    A thread also lets this run inside a notebook cell, where another loop already runs.
    """
    done: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
            port.close()
        except BaseException as error:  # noqa: BLE001 - raised again where the caller waits
            failed.append(error)

    thread = threading.Thread(target=run, name="saga-lab exploration", daemon=True)
    thread.start()
    turns, since = port.turns, time.monotonic()
    while thread.is_alive():
        thread.join(0.2)
        if port.turns != turns:
            turns, since = port.turns, time.monotonic()
        elif thread.is_alive() and time.monotonic() - since > SILENCE:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(thread.ident or 0), ctypes.py_object(_Interrupt)
            )
            raise EndlessLoop(port.last)
    if failed:
        raise failed[0]
    return done[0]
