"""The child process that runs a submission: it hears orders and answers with turns, over one socket."""

from __future__ import annotations

import builtins
import linecache
import socket
import sys
import traceback
from types import ModuleType

import msgspec
from msgspec import Struct

from saga_lab.sim.candidate import Candidate
from saga_lab.sim.messages import Begin, Deliver


class Load(Struct, frozen=True, tag="load"):
    """Load this source, of that exercise; it calls itself `name` in tracebacks."""

    source: str
    name: str
    exercise: int


class Loaded(Struct, frozen=True):
    """The submission is ready, or `problem` says why it is not, as found at `line`."""

    problem: str = ""
    line: int = 0


ORDERS = msgspec.json.Decoder(Load | Begin | Deliver)


def send(connection: socket.socket, message: Struct) -> None:
    """Send one message behind its length."""
    data = msgspec.json.encode(message)
    connection.sendall(len(data).to_bytes(4, "big") + data)


def receive(connection: socket.socket) -> bytes:
    """Receive one message; empty when the other side is gone."""
    size = int.from_bytes(_exactly(connection, 4), "big")
    return _exactly(connection, size) if size else b""


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            return b""
        data += more
    return bytes(data)


def main() -> None:
    """Serve one submission until the judge is gone."""
    connection = socket.socket(fileno=int(sys.argv[1]))
    candidate: Candidate | None = None
    while data := receive(connection):
        order = ORDERS.decode(data)
        if isinstance(order, Load):
            candidate, answer = _load(order)
            send(connection, answer)
        elif candidate is not None:
            send(connection, candidate.exchange(order))


def _load(load: Load) -> tuple[Candidate | None, Loaded]:
    from grader.exercises import EXERCISES

    exercise = EXERCISES[load.exercise]
    linecache.cache[load.name] = (len(load.source), None, load.source.splitlines(True), load.name)
    module = ModuleType("submission")
    sys.modules["submission"] = module
    try:
        exec(builtins.compile(load.source, load.name, "exec"), module.__dict__)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - told to its author
        frames = [x for x in traceback.extract_tb(error.__traceback__) if x.filename == load.name]
        line = (frames[-1].lineno or 0) if frames else 0
        return None, Loaded(f"{type(error).__name__}: {error}", line)
    return Candidate(getattr(module, exercise.function), exercise.world), Loaded()


if __name__ == "__main__":
    main()
