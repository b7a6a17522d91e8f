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
from saga_lab.sim.messages import Order, Turn

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


class Play(Struct, frozen=True, tag="play"):
    """Give the saga these orders, one after another."""

    orders: list[Order]


class Heard(Struct, frozen=True):
    """The beginning of what was printed."""

    text: str


ASKED = msgspec.json.Decoder(Load | Listen | Play)


class Channel:
    """Messages over a socket, each behind its length. One call of the system brings a whole one, mostly."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._rest = b""

    def send(self, message: Struct | list[Turn]) -> None:
        """Send one message. Raises OSError when the other side is gone, TimeoutError when it is deaf."""
        data = msgspec.json.encode(message)
        self._connection.sendall(len(data).to_bytes(4, "big") + data)

    def receive(self) -> bytes:
        """Receive one message, empty when the other side is gone. Raises TimeoutError when it is silent."""
        head = self._take(4)
        return self._take(int.from_bytes(head, "big")) if head else b""

    def _take(self, size: int) -> bytes:
        while len(self._rest) < size:
            more = self._connection.recv(65_536)
            if not more:
                return b""
            self._rest += more
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def close(self) -> None:
        self._connection.close()


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
    judge = Channel(socket.socket(fileno=int(sys.argv[1])))
    _prepare()
    ear = sys.stdout = sys.stderr = _Ear()
    candidate: Candidate | None = None
    while data := judge.receive():
        asked = ASKED.decode(data)
        if isinstance(asked, Load):
            candidate, loaded = _load(asked)
            judge.send(loaded)
        elif isinstance(asked, Listen):
            judge.send(Heard(ear.text))
            ear.text = ""
        elif candidate is not None:
            try:
                turns = [candidate.exchange(order) for order in asked.orders]
            except Exception:  # noqa: BLE001 - whatever a saga does, this does not raise
                traceback.print_exc(file=sys.__stderr__)
                sys.exit(GRADERS_FAULT)
            judge.send(turns)


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
