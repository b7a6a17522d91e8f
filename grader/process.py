"""A port to a candidate in a process of its own, which can be killed."""

from __future__ import annotations

import socket
import subprocess
import sys

import msgspec
from msgspec import Struct

from grader.candidate import Load, Loaded, receive, send
from grader.submission import CannotRun, Submission
from saga_lab.sim import EndlessLoop
from saga_lab.sim.messages import Begin, Order, Turn

SILENCE = 5.0
"""Real seconds that a child may work without a word."""
_TURN = msgspec.json.Decoder(Turn)
_LOADED = msgspec.json.Decoder(Loaded)


class Died(Exception):
    """The child process is gone, in the middle of a run. `last`: the last operation that it called."""

    def __init__(self, code: int | None, last: str) -> None:
        how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"
        where = f"after it called {last}" if last else "before it called any service"
        super().__init__(
            f"the process that ran your saga {how}, {where}. A saga never ends its process: "
            "it returns a status (look for sys.exit, os._exit, or too much memory)"
        )
        self.last = last


class ProcessPort:
    """Runs one submission in a child. The judge never imports it; only messages come back."""

    def __init__(self, submission: Submission) -> None:
        ours, theirs = socket.socketpair()
        ours.settimeout(SILENCE)
        self._connection = ours
        self._last = ""
        self._child = subprocess.Popen(
            [sys.executable, "-I", "-m", "grader.candidate", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        theirs.close()
        try:
            self._load(submission)
        except BaseException:
            self.close()
            raise

    def exchange(self, order: Order) -> Turn:
        """One turn. Raises EndlessLoop when the child is silent, Died when it is gone."""
        if isinstance(order, Begin):
            self._last = ""
        turn = _TURN.decode(self._ask(order))
        for message in turn.messages:
            self._last = getattr(message, "operation", self._last)
        return turn

    def close(self) -> None:
        self._connection.close()
        self._child.kill()
        self._child.wait()

    def _ask(self, message: Struct) -> bytes:
        try:
            send(self._connection, message)
            answer = receive(self._connection)
        except TimeoutError:
            raise EndlessLoop(self._last) from None
        except OSError:
            answer = b""
        if not answer:
            raise Died(self._child.wait(), self._last)
        return answer

    def _load(self, submission: Submission) -> None:
        name, exercise = submission.path.name, submission.exercise.number
        try:
            loaded = _LOADED.decode(self._ask(Load(submission.source, name, exercise)))
        except EndlessLoop:
            raise CannotRun(
                f"Importing {name} did not end within {SILENCE:g} s. Something at its top level "
                "loops or waits; keep everything but definitions inside the saga function."
            ) from None
        except Died as died:
            raise CannotRun(f"Importing {name} ended the process ({died}).") from None
        if loaded.problem:
            at = f"\n\n    {submission.where(loaded.line)}\n" if loaded.line else ""
            raise CannotRun(
                f"{name} cannot be imported: {loaded.problem}{at}\n"
                "A submission may import saga_lab, its world's types and the standard library."
            )
