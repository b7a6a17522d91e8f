"""The child process that holds a submission: it hears orders and answers with turns, over one socket."""

from __future__ import annotations

import faulthandler
import importlib
import inspect
import io
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from types import ModuleType
from typing import Any

import msgspec
from msgspec import Struct

from saga_lab.sim.candidate import Candidate
from saga_lab.sim.messages import Begin, Deliver

GRADERS_FAULT = 70
"""The exit code of a child that failed by itself, as `sysexits.h` has it."""
HEARD = 4_000
"""Characters that are kept of what a submission prints."""
MOST_WRITTEN = 1_000_000
"""Bytes that it may write to one file."""


class Source(Struct, frozen=True):
    """A piece of source, under the label that tracebacks give it."""

    label: str
    source: str


class Load(Struct, frozen=True, tag="load"):
    """Run these pieces, and take `function` as the saga of a world (`module:name`).

    `own`: compile as the submission itself says; else annotations are not evaluated, as suits a notebook
    of which only some cells are run.
    """

    parts: list[Source]
    function: str
    world: str
    own: bool


class Loaded(Struct, frozen=True):
    """The submission is ready, or `problem` says why it is not, as found at `line` of `label`."""

    problem: str = ""
    label: str = ""
    line: int = 0


class Listen(Struct, frozen=True, tag="listen"):
    """Tell what was printed since the last time."""


class Heard(Struct, frozen=True):
    """The beginning of what was printed."""

    text: str


ORDERS = msgspec.json.Decoder(Load | Listen | Begin | Deliver)


def send(connection: socket.socket, message: Struct) -> None:
    """Send one message behind its length."""
    data = msgspec.json.encode(message)
    connection.sendall(len(data).to_bytes(4, "big") + data)


def receive(connection: socket.socket) -> bytes:
    """Receive one message; empty when the other side is gone."""
    size = int.from_bytes(_exactly(connection, 4), "big")
    return _exactly(connection, size) if size else b""


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = connection.recv(size)
    if len(data) == size:
        return data
    pieces = bytearray(data)
    while data and len(pieces) < size:
        data = connection.recv(size - len(pieces))
        pieces += data
    return bytes(pieces) if data else b""


class _Ear(io.TextIOBase):
    """Takes the place of standard output: keeps the beginning, whatever comes."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        if len(self.text) < HEARD:
            self.text = (self.text + text)[:HEARD]
        return len(text)

    def writable(self) -> bool:
        return True


def main() -> None:
    """Serve one submission until the judge is gone."""
    connection = socket.socket(fileno=int(sys.argv[1]))
    _prepare()
    ear = sys.stdout = sys.stderr = _Ear()
    candidate: Candidate | None = None
    while data := receive(connection):
        order = ORDERS.decode(data)
        if isinstance(order, Load):
            candidate, loaded = _load(order)
            send(connection, loaded)
        elif isinstance(order, Listen):
            send(connection, Heard(ear.text))
            ear.text = ""
        elif candidate is not None:
            try:
                turn = candidate.exchange(order)
            except Exception:  # noqa: BLE001 - whatever a saga does, this does not raise
                traceback.print_exc(file=sys.__stderr__)
                sys.exit(GRADERS_FAULT)
            send(connection, turn)


def _prepare() -> None:
    """Limit what is written, and tell on a signal where the submission stands."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_WRITTEN, MOST_WRITTEN))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.register(signal.SIGUSR1, file=sys.__stderr__ or 2, all_threads=False)


def _load(load: Load) -> tuple[Candidate | None, Loaded]:
    module = ModuleType("submission")
    sys.modules["submission"] = module
    labels = {part.label for part in load.parts}
    try:
        for part in load.parts:
            exec(compile(part.source, part.label, "exec", dont_inherit=load.own), module.__dict__)
    except BaseException as error:  # noqa: BLE001 - told to its author
        frames = [x for x in traceback.extract_tb(error.__traceback__) if x.filename in labels]
        label, line = (frames[-1].filename, frames[-1].lineno or 0) if frames else ("", 0)
        return None, Loaded(f"{type(error).__name__}: {error}".removesuffix(": "), label, line)
    name, _, world = load.world.partition(":")
    function = getattr(module, load.function, None)
    if problem := unfit(function, load.function):
        return None, Loaded(problem)
    return Candidate(function, getattr(importlib.import_module(name), world)), Loaded()  # type: ignore[arg-type]


def unfit(function: Any, name: str) -> str:
    """Why this cannot be called as a saga; empty when it can."""
    if not callable(function):
        return f"{name} is {_kind(function)}, not a function"
    if not _waits(function):
        return f"{name} is a plain function: begin it with async def"
    try:
        inspect.signature(function).bind("saga", "request", "services")
    except TypeError as error:
        return f"{name} is called with three: the saga, the request, and the services ({error})"
    except ValueError:
        return ""
    return ""


def _waits(function: Callable[..., Any]) -> bool:
    """Is it an async function, or an object or decorated function that may give a coroutine?"""
    plain = inspect.isfunction(function) and not hasattr(function, "__wrapped__")
    return inspect.iscoroutinefunction(function) or not plain


def _kind(value: Any) -> str:
    return "None" if value is None else f"of type {type(value).__name__}"


if __name__ == "__main__":
    main()
