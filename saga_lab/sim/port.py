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
    """The saga never gives back control: it neither waits nor returns.

    `last`: the last operation that it called, if any; `token`: the scenario that was played; `how`: what
    happened, in words.
    """

    how = "it did not come back"

    def __init__(self, last: str, token: str = "") -> None:
        where = f"after it called {last}" if last else "before it called any service"
        when = f" (scenario: {token})" if token else ""
        super().__init__(
            f"the saga did not come back for {SILENCE:g} s, {where}{when}: it loops without awaiting "
            "anything, it blocks (time.sleep stops everything: use saga.sleep), or a bare `except:` in a "
            "loop catches even the crash of its own process (catch StepFailed)"
        )
        self.last = last
        self.token = token


class BadMessage(EndlessLoop):
    """A candidate said what no engine says: it is not the one that this project ships."""

    how = "it said what no engine says"

    def __init__(self, said: str) -> None:
        Exception.__init__(self, f"{self.how}: {said}")
        self.last = self.token = ""


class InProcess:
    """A port to a candidate in this process. What it says is encoded, so that it says plain data alone; what
    it is told cannot be changed, and comes from the scheduler.
    """

    def __init__(self, function: Callable[..., Any], world: type[World]) -> None:
        self._candidate = Candidate(function, world)
        self._encode = msgspec.json.Encoder().encode
        self._turn = msgspec.json.Decoder(Turn)
        self.last = ""
        self.since: float | None = None  # when the candidate was asked for what it works at now
        self.stopped = False

    def exchange(self, *orders: Order) -> list[Turn]:
        return [self._exchange(order) for order in orders]

    def _exchange(self, order: Order) -> Turn:
        if isinstance(order, Begin):
            self.last = ""
        self.since = time.monotonic()
        turn = self._turn.decode(self._encode(self._candidate.exchange(order)))
        self.since = None
        if self.stopped:
            raise _Interrupt
        for message in turn.messages:
            self.last = getattr(message, "operation", self.last)
        return turn

    def close(self) -> None:
        self.since = time.monotonic()
        self._candidate.close()
        self.since = None


class _Interrupt(BaseException):
    """Thrown into a thread that does not come back."""


def watched(port: InProcess, work: Callable[[], T], silence: float = SILENCE) -> T:
    """Do `work` in a thread of its own; raises EndlessLoop when the candidate is silent for too long.

    A thread also lets this run inside a notebook cell, where another loop already runs. It is stopped
    when the caller is (Ctrl-C, the notebook's stop button).
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
    try:
        while thread.is_alive():
            thread.join(silence / 25)
            since = port.since
            if since is not None and time.monotonic() - since > silence:
                raise EndlessLoop(port.last)
    except BaseException:
        port.stopped = True
        _interrupt(thread)
        raise
    if failed:
        raise failed[0]
    return done[0]


def _interrupt(thread: threading.Thread) -> None:
    """Throw something into a thread that no `except Exception` catches. A bare `except:` may: insist."""
    for _ in range(20):
        if not thread.is_alive() or thread.ident is None:
            return
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(_Interrupt))
        thread.join(0.01)
