"""What judge and candidate tell each other: plain data, each message behind its length."""

from __future__ import annotations

import socket
from collections import deque

import msgspec
from msgspec import Struct

from saga_lab.sim.messages import Order, Turn

GRADERS_FAULT = 70
"""The exit code of a process that failed by itself, as `sysexits.h` has it."""
MOST_AT_ONCE = 4_000_000
"""Bytes of one message: no honest turn is a hundredth as long."""


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


class Fork(Struct, frozen=True, tag="fork"):
    """Start a process that ran nothing yet; it listens on the socket that comes along."""


class Kill(Struct, frozen=True, tag="kill"):
    """End the process of this number, and be sure that it is gone."""

    number: int


class Stand(Struct, frozen=True, tag="stand"):
    """Let the process of this number write down where it stands."""

    number: int


class HowEnded(Struct, frozen=True, tag="how"):
    """Wait so many seconds for the process of this number, then end it; and tell how it ended."""

    number: int
    patience: float


class Exit(Struct, frozen=True):
    """The code with which a process ended; negative for a signal."""

    code: int


TO_A_CHILD = msgspec.json.Decoder(Listen | Play)
TO_THE_ZYGOTE = msgspec.json.Decoder(Load | Fork | Kill | Stand | HowEnded)


class TooLong(Exception):
    """A message that is longer than anything honest."""


class Channel:
    """Messages over a socket, each behind its length. One call of the system brings a whole one, mostly."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._rest = b""

    def send(self, message: Struct | list[Turn], *sockets: socket.socket) -> None:
        """Send one message, and sockets along with it.

        Raises OSError when the other side is gone, TimeoutError when it is deaf.
        """
        data = msgspec.json.encode(message)
        frame = len(data).to_bytes(4, "big") + data
        if sockets:
            sent = socket.send_fds(self._connection, [frame], [x.fileno() for x in sockets])
            frame = frame[sent:]
        self._connection.sendall(frame)

    def receive(self) -> bytes:
        """Receive one message, empty when the other side is gone. Raises TimeoutError, TooLong."""
        head = self._take(4)
        size = int.from_bytes(head, "big")
        if size > MOST_AT_ONCE:
            raise TooLong
        return self._take(size) if head else b""

    def _take(self, size: int) -> bytes:
        while len(self._rest) < size:
            more = self._more()
            if not more:
                return b""
            self._rest += more
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def _more(self) -> bytes:
        return self._connection.recv(65_536)

    def close(self) -> None:
        self._connection.close()


class Hatch(Channel):
    """A channel through which sockets come too. Only the judge may be at the other end."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__(connection)
        self._sockets: deque[int] = deque()

    def socket(self) -> socket.socket:
        """The next one that came."""
        return socket.socket(fileno=self._sockets.popleft())

    def _more(self) -> bytes:
        more, sockets, *_ = socket.recv_fds(self._connection, 65_536, 8)
        self._sockets.extend(sockets)
        return more
