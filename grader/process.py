"""A port to a candidate in a process of its own, which can be killed. The judge never imports it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from grader.candidate import GRADERS_FAULT, Channel, Heard, Listen, Load, Loaded, Play, Source
from grader.submission import CannotRun, Submission
from saga_lab.sim import BadMessage, EndlessLoop
from saga_lab.sim.messages import Begin, Order, Turn

SILENCE = 5.0
"""Real seconds that a child may work without a word."""
_TURNS = msgspec.json.Decoder(list[Turn])
_LOADED = msgspec.json.Decoder(Loaded)
_HEARD = msgspec.json.Decoder(Heard)
_FRAME = re.compile(r'File "([^"]+)", line (\d+) in ')
_START = "import sys; sys.path[:0] = [sys.argv.pop(1)]; from grader.candidate import main; main()"


class Died(EndlessLoop):
    """The child is gone in the middle of a run: it ended itself, or was ended."""


class GraderError(Exception):
    """The child failed by itself, which says nothing about the submission."""


class ProcessPort:
    """Runs one submission in a child; only messages pass. Raises CannotRun when it cannot be loaded.

    `ended` says how the child ended, in words, once it has; `stood` its author's line at that moment.
    `hash_seed` fixes the order of its sets, so that grading twice gives the same twice.
    """

    def __init__(self, submission: Submission, hash_seed: int = 0) -> None:
        self.ended = ""
        self.stood: tuple[str, int] | None = None
        self._labels = {part.label for part in submission.parts}
        self._last = ""
        self._folder = tempfile.TemporaryDirectory(prefix="saga-lab-")
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `close`
        ours, theirs = socket.socketpair()
        ours.settimeout(SILENCE)
        self._channel = Channel(ours)
        root = str(Path(__file__).resolve().parent.parent)
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-s", "-c", _START, root, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            cwd=self._folder.name,
            env=_environment(hash_seed),
            start_new_session=True,
        )
        theirs.close()
        try:
            self._load(submission)
        except BaseException:
            self.close()
            raise

    def exchange(self, *orders: Order) -> list[Turn]:
        """One turn for each. Raises EndlessLoop when the child is silent, Died when it is gone."""
        if isinstance(orders[0], Begin):
            self._last = ""
        turns = _TURNS.decode(self._ask(Play(list(orders))))
        if len(turns) != len(orders):
            raise BadMessage(f"{len(turns)} turns for {len(orders)} orders")
        for turn in turns:
            for message in turn.messages:
                self._last = getattr(message, "operation", self._last)
        return turns

    def heard(self) -> str:
        """What the submission printed since the last time; the beginning of it."""
        return "" if self.ended else _HEARD.decode(self._ask(Listen())).text

    def close(self) -> None:
        """End the child, and all that it started."""
        self._channel.close()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        self._errors.close()
        self._folder.cleanup()

    def _ask(self, message: Struct) -> bytes:
        try:
            self._channel.send(message)
            answer = self._channel.receive()
        except TimeoutError:
            self.stood = self._where()
            self.ended = f"your code did not come back for {SILENCE:g} s"
            raise EndlessLoop(self._last) from None
        except OSError:
            answer = b""
        if answer:
            return answer
        self.ended = _how(self._end(1), self._complaint())
        raise Died(self._last)

    def _where(self) -> tuple[str, int] | None:
        """Ask a silent child for its author's line, and end it."""
        self._child.send_signal(signal.SIGUSR1)
        self._end(0.3)
        frames = _FRAME.findall(self._complaint().rpartition("most recent call first")[2])
        return next(((label, int(line)) for label, line in frames if label in self._labels), None)

    def _end(self, patience: float) -> int:
        """Wait for the child for so many seconds, then kill it; gives how it ended."""
        with suppress(subprocess.TimeoutExpired):
            return self._child.wait(patience)
        self._child.kill()
        return self._child.wait()

    def _complaint(self) -> str:
        """What the child wrote to its standard error; read when it has ended."""
        self._errors.seek(0)
        return self._errors.read(100_000).decode(errors="replace")

    def _load(self, submission: Submission) -> None:
        exercise, name = submission.exercise, submission.path.name
        world = f"{exercise.world.__module__}:{exercise.world.__name__}"
        parts = [Source(part.label, part.source) for part in submission.parts]
        own = submission.path.suffix == ".py"
        try:
            loaded = _LOADED.decode(self._ask(Load(parts, exercise.function, world, own)))
        except Died:
            raise CannotRun(f"{name} cannot be imported: {self.ended} (sys.exit, os._exit?).") from None
        except EndlessLoop:
            at = f"\n\n    {submission.where(self.stood[1], self.stood[0])}\n" if self.stood else " "
            raise CannotRun(
                f"{name} cannot be imported: it did not come to its end within {SILENCE:g} s.{at}\nKeep only "
                "definitions at the top level; what loops or waits belongs into the saga, which is run later."
            ) from None
        if loaded.problem:
            raise CannotRun(_not_loaded(submission, loaded))


def _environment(hash_seed: int) -> dict[str, str]:
    """Ours without what changes Python, as -I would have it, but with an order for its sets."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**ours, "PYTHONHASHSEED": str(hash_seed)}


def _not_loaded(submission: Submission, loaded: Loaded) -> str:
    name = submission.path.name
    if not loaded.label:
        return f"{name} cannot be run: {loaded.problem}."
    at = (
        f"{name} cannot be imported: {loaded.problem}.\n\n    {submission.where(loaded.line, loaded.label)}\n"
    )
    if loaded.problem.startswith(("ImportError", "ModuleNotFoundError")):
        return f"{at}\nA submission may import saga_lab, its world's types and the standard library."
    if loaded.problem.startswith("SystemExit"):
        return f"{at}\nA submission only defines things; remove what ends the process."
    return f"{at}\nThis was raised while the file was read, before any saga ran."


def _how(code: int, complaint: str) -> str:
    """How a process ended, in words. Raises GraderError when it was not the submission's doing."""
    if code == GRADERS_FAULT:
        raise GraderError(complaint.strip().rpartition("\n")[2] or "the child failed")
    if code < 0:
        names = {int(known): known.name for known in signal.Signals}
        return f"the process of your saga was killed by {names.get(-code, f'signal {-code}')}"
    return f"the process of your saga ended itself with code {code}"
