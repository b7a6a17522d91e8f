"""A port to candidates in processes of their own, which are killed. The judge never imports them."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import NoReturn, TypeVar

import msgspec
from msgspec import Struct

from grader.candidate import confine
from grader.candidate.messages import (
    GRADERS_FAULT,
    MOST_AT_ONCE,
    Channel,
    Exit,
    Fork,
    Heard,
    HowEnded,
    Kill,
    Listen,
    Load,
    Loaded,
    Play,
    Source,
    Stand,
    TooLong,
)
from grader.candidate.zygote import Orders
from grader.sandbox import Sandbox, best, is_root
from grader.submission import CannotRun, Submission
from saga_lab.sim import BadMessage, EndlessLoop
from saga_lab.sim.messages import Begin, End, Order, Turn

SILENCE = 5.0
"""Real seconds that a candidate may work without a word."""
MOST_IN_A_RUN = 16 * MOST_AT_ONCE
"""Bytes that a saga may say in one life."""
LONGEST_LIFE, LONGEST = 2.0, 24.0
"""How many silences a candidate may take for one life, and for all that is asked of one port: who answers
just before each silence is over would hold the grader for hours. An honest life takes milliseconds."""
M = TypeVar("M")
_TURNS = msgspec.json.Decoder(list[Turn])
_LOADED = msgspec.json.Decoder(Loaded)
_HEARD = msgspec.json.Decoder(Heard)
_EXIT = msgspec.json.Decoder(Exit)
_FRAME = re.compile(r'File "([^"]+)", line (\d+) in ')
_START = "from grader.candidate.zygote import main; main()"


class Died(EndlessLoop):
    """A candidate is gone in the middle of a run: it ended itself, or was ended."""


class GraderError(Exception):
    """A candidate's process failed by itself, which says nothing about the submission."""


class _Child:
    """One candidate, by its number at the zygote. `fresh`: it has yet to say that it is ready."""

    def __init__(self, number: int, channel: Channel) -> None:
        self.number = number
        self.channel = channel
        self.fresh = True


class ProcessPort:
    """Runs one submission in processes forked from a clean one, in a sandbox; only messages pass.

    With `kills`, a crash really kills the process: nothing that it kept survives. Without, one process plays
    all lives, which is quicker, and a crash leaves an incarnation without effect. `ended` says how a
    candidate ended, in words, once one has; `stood` its author's line at that moment. `patience`: seconds
    that its answers may take in all. `hash_seed` fixes the order of its sets, so that grading twice gives
    the same twice. Raises CannotRun when the submission cannot be loaded.
    """

    def __init__(
        self,
        submission: Submission,
        *,
        sandbox: Sandbox | None = None,
        hash_seed: int = 0,
        kills: bool = True,
    ) -> None:
        self.kills = kills
        self.patience = LONGEST * SILENCE
        self.ended = ""
        self.stood: tuple[str, int] | None = None
        self.sandbox = sandbox or best()
        self._labels = {part.label for part in submission.parts}
        self._last = ""
        self._said = ""
        self._bytes = 0
        self._life, self._all = 0.0, 0.0
        self._forked = 0
        self._lives: dict[int, _Child] = {}
        self._spare: _Child | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="saga-lab-", ignore_cleanup_errors=True)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `close`
        self._zygote, theirs = _pair()
        world = f"{submission.exercise.world.__module__}:{submission.exercise.world.__name__}"
        self._process = self._started(world, theirs, hash_seed)
        theirs.close()
        try:
            self._load(submission, world)
        except BaseException:
            self.close()
            raise

    def exchange(self, *orders: Order) -> list[Turn]:
        """One turn for each. Raises EndlessLoop when the candidate is silent, Died when it is gone."""
        turns: list[Turn] = []
        some: list[Order] = []
        if isinstance(orders[0], Begin):
            self._last, self._bytes, self._life = "", 0, 0.0
        child: _Child | None = None
        for order in orders:
            before, child = child, self._process_of(order)
            if child is not before or isinstance(order, Begin):
                turns += self._play(before, some) if before and some else []
                some = []
            some.append(order)
        return turns + (self._play(child, some) if child else [])

    def _play(self, child: _Child, orders: list[Order]) -> list[Turn]:
        turns = self._understood(child, Play(orders), _TURNS)
        if len(turns) != len(orders):
            raise BadMessage(f"{len(turns)} turns for {len(orders)} orders")
        for turn in turns:
            for message in turn.messages:
                self._last = getattr(message, "operation", self._last)
        return turns

    def heard(self) -> str:
        """What the submission printed since the last time; the beginning of it."""
        if not self.ended:
            for child in self._lives.values():
                self._listen(child)
        said, self._said = self._said, ""
        return said

    def close(self) -> None:
        """End the candidates, and all that they started."""
        for child in [*self._lives.values(), *([self._spare] if self._spare else [])]:
            child.channel.close()
        self._zygote.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        self._process.kill()
        self._process.wait()
        self._errors.close()
        self._folder.cleanup()

    # ---- processes

    def _started(self, world: str, theirs: socket.socket, hash_seed: int) -> subprocess.Popen[bytes]:
        home = Path(self._folder.name)
        unmoved = self.sandbox.means != "bubblewrap"  # the interpreter may lie where only root may look
        orders = Orders(world, str(home / "own"), self.sandbox.readable(home), is_root(), unmoved)
        told = msgspec.json.encode(orders).decode()
        return subprocess.Popen(
            self.sandbox.command(home, _START, str(theirs.fileno()), told),
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            env={"PYTHONHASHSEED": str(hash_seed), "LANG": "C.UTF-8", "HOME": str(home / "own")},
            start_new_session=True,
        )

    def _process_of(self, order: Order) -> _Child:
        """Where an order goes. Sagas begin side by side in one process; who takes one over has another."""
        life = order.life if self.kills else 0
        if isinstance(order, Begin) and self.kills:
            if order.journal or life:
                self._leave(life)
            if not order.journal and 0 in self._lives:
                self._lives[life] = self._lives[0]
        if life not in self._lives:
            child = self._lives[life] = self._spare or self._fork()
            self._spare = self._fork() if self.kills else None  # it gets ready while the other works
            if child.fresh:
                self._get_ready(child)
        return self._lives[life]

    def _fork(self) -> _Child:
        ours, theirs = _pair()
        with theirs:
            self._tell(Fork(), theirs)
        self._forked += 1
        return _Child(self._forked - 1, ours)

    def _get_ready(self, child: _Child) -> Loaded:
        child.fresh = False
        return self._understood(child, None, _LOADED)

    def _leave(self, life: int) -> None:
        """Whoever was in this life crashed, or is done; the process ends when nobody else lives in it."""
        child = self._lives.pop(life, None)
        if child is None:
            return
        if child in self._lives.values():
            self._play(child, [End(life)])
        else:
            self._listen(child)
            child.channel.close()
            self._tell(Kill(child.number))

    def _listen(self, child: _Child) -> None:
        if len(self._said) < confine.HEARD:
            self._said = (self._said + self._understood(child, Listen(), _HEARD).text)[: confine.HEARD]

    # ---- words

    def _understood(self, child: _Child, message: Struct | None, decoder: msgspec.json.Decoder[M]) -> M:
        """Say something, and take the answer apart."""
        try:
            return decoder.decode(self._ask(child, message))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TooLong):
            self.ended = "the process of your saga said what no engine says"
            raise Died(self._last) from None

    def _ask(self, child: _Child, message: Struct | None) -> bytes:
        began = time.monotonic()
        try:
            if message is not None:
                child.channel.send(message)
            answer = child.channel.receive()
        except TimeoutError:
            self._too_slow(child, f"your code did not come back for {SILENCE:g} s")
        except OSError:
            answer = b""
        took = time.monotonic() - began
        self._life, self._all = self._life + took, self._all + took
        if self._life > LONGEST_LIFE * SILENCE:
            self._too_slow(child, f"your code worked for more than {LONGEST_LIFE * SILENCE:g} s in one run")
        if self._all > self.patience:
            self._too_slow(child, f"your code worked for more than {self.patience:g} s in all")
        self._bytes += len(answer)
        if self._bytes > MOST_IN_A_RUN:
            raise TooLong
        if answer:
            return answer
        self.ended = _how(self._end(child, 1), self._complaint())
        raise Died(self._last)

    def _too_slow(self, child: _Child, how: str) -> NoReturn:
        self.stood = self._where(child)
        self.ended = how
        raise EndlessLoop(self._last)

    def _tell(self, message: Struct, *sockets: socket.socket) -> None:
        try:
            self._zygote.send(message, *sockets)
        except OSError:
            self._zygote_died()

    def _zygote_died(self) -> NoReturn:
        """Only what shares its sandbox can have ended it."""
        self._process.wait()
        self.ended = _how(self._process.returncode, self._complaint())
        raise Died(self._last)

    def _where(self, child: _Child) -> tuple[str, int] | None:
        """Ask a silent child for its author's line, and end it."""
        self._tell(Stand(child.number))
        self._end(child, 0.3)
        frames = _FRAME.findall(self._complaint().rpartition("most recent call first")[2])
        return next(((label, int(line)) for label, line in frames if label in self._labels), None)

    def _end(self, child: _Child, patience: float) -> int:
        """Wait for a child for so many seconds, then kill it; gives how it ended."""
        self._tell(HowEnded(child.number, patience))
        try:
            answer = self._zygote.receive()
        except OSError:
            answer = b""
        return _EXIT.decode(answer).code if answer else self._zygote_died()

    def _complaint(self) -> str:
        """What was written to the standard error."""
        self._errors.seek(0)
        return self._errors.read(100_000).decode(errors="replace")

    def _load(self, submission: Submission, world: str) -> None:
        exercise, name = submission.exercise, submission.path.name
        parts = [Source(part.label, part.source) for part in submission.parts]
        self._tell(Load(parts, exercise.function, world, submission.path.suffix == ".py"))
        try:
            self._spare = self._fork()
            loaded = self._get_ready(self._spare)
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


def _pair() -> tuple[Channel, socket.socket]:
    ours, theirs = socket.socketpair()
    ours.settimeout(SILENCE)
    return Channel(ours), theirs


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
