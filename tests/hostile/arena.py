"""Where hostile submissions are graded: a class with a gradebook, and whatever must be as it was before."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from grader import grade, process
from grader.message import text
from grader.report import as_json
from grader.sandbox import Sandbox
from saga_lab.sim import scheduler
from tests.corpus.classifier import ROOT
from tests.hostile.attacks import FILE, Attack, attacks

SECRET = "swordfish-4711"
BUDGET = 30.0
"""Seconds that one submission may take here, whatever it does."""
COMMON = [Path(path) for path in ("/tmp", "/var/tmp", "/dev/shm", "/run", "/etc")]
NEXT = f"{ROOT}/exercises/{FILE}.py"


@dataclass(frozen=True)
class Outcome:
    """What came of one attack; `wrong` says what did not hold, and is empty when all did."""

    attack: Attack
    verdict: str
    points: int
    seconds: float
    wrong: tuple[str, ...]


class Arena:
    """A class of one folder per learner, in which an attack is graded after another."""

    def __init__(self, home: Path, silence: float) -> None:
        self.home = home / "class"
        (self.home / "ada").mkdir(parents=True)
        (self.home / "gradebook.db").write_text(f"{SECRET} ada 70\n")
        shutil.copy(ROOT / "solutions" / f"{FILE}.py", self.home / "ada")
        with (self.home / "ada" / f"{FILE}.py").open("a") as file:
            file.write(f"# {SECRET}\n")
        self._line = socket.create_server(("127.0.0.1", 0))
        self._line.setblocking(False)
        words = {"CLASS": self.home, "ROOT": ROOT, "PORT": self._line.getsockname()[1], "SILENCE": silence}
        self.attacks = attacks({name: str(value) for name, value in words.items()})
        self._alone: dict[Sandbox, str] = {}

    def close(self) -> None:
        self._line.close()

    def run(self, attack: Attack, sandbox: Sandbox) -> Outcome:
        """Grade one, and look at everything else."""
        if sandbox not in self._alone:
            self._alone[sandbox] = self._next(sandbox)
        folder = self.home / "mallory"
        folder.mkdir()
        path, before, began = attack.make(folder), self._state(), time.monotonic()
        report = grade(1, path, quick=True, sandbox=sandbox)
        seconds, told = time.monotonic() - began, as_json(report)
        wrong = []
        if report.verdict != attack.verdict:
            wrong.append(f"the verdict is {report.verdict}: {report.problem or text(report)}")
        if report.points or report.medal:
            wrong.append(f"it gained {report.points} points")
        if msgspec.json.decode(told)["verdict"] != report.verdict or SECRET in told + text(report):
            wrong.append("its report is not what a learner may see")
        if not all(line.isprintable() for line in text(report).split("\n")):
            wrong.append("its report is no plain text")
        if seconds > BUDGET:
            wrong.append(f"it took {seconds:.0f} s")
        shutil.rmtree(folder.rename(self.home / "mallory, gone"))  # whoever writes there finds it no more
        wrong += self._changed(before)
        if self._next(sandbox) != self._alone[sandbox]:
            wrong.append("the next submission was graded otherwise than alone")
        return Outcome(attack, report.verdict, report.points, seconds, tuple(wrong))

    def _next(self, sandbox: Sandbox) -> str:
        return as_json(grade(1, NEXT, quick=True, sandbox=sandbox))

    def _state(self) -> dict[str, str]:
        """The class, what lies in common folders under a hostile name, and the processes of candidates."""
        files = {
            str(x): f"{x.stat().st_mode:o} {x.read_text()}"
            for x in self.home.rglob("*")
            if x.is_file() and "mallory" not in str(x)
        }
        left = [str(path) for folder in COMMON for path in folder.glob("saga-lab-hostile*")]
        return files | {path: "left behind" for path in left + sorted(_running())}

    def _changed(self, before: dict[str, str]) -> Iterator[str]:
        after = self._state()
        for what in sorted(before.keys() | after.keys()):
            if before.get(what) != after.get(what):
                yield f"{what} was {before.get(what, 'not there')!r}, and is {after.get(what, 'gone')!r}"
        for path in Path(tempfile.gettempdir()).glob("saga-lab-*"):
            yield f"{path} was left behind"
        try:
            self._line.accept()
            yield "it was heard on the network"
        except BlockingIOError:
            pass


def _running() -> Iterator[str]:
    """Processes of candidates of this arena, and those that call themselves hostile."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            told = path.read_bytes()
        except OSError:
            continue  # it ended meanwhile
        if os.fsencode(f"{tempfile.gettempdir()}/saga-lab-") in told or b"saga-lab-hostile" in told:
            yield f"process {told[:80]!r}"


@contextmanager
def arena(silence: float = 2.0) -> Iterator[Arena]:
    """An arena with a folder for temporary files of its own, so that nothing of others is in sight.

    What is endless is so after a `silence` in seconds, and 1,000 turns: more would only take time.
    """
    before = tempfile.tempdir, process.SILENCE, scheduler.MOST_TURNS
    process.SILENCE, scheduler.MOST_TURNS = silence, 1_000
    with tempfile.TemporaryDirectory(prefix="arena-") as home:
        os.chmod(home, 0o755)
        tempfile.tempdir = f"{home}/tmp"
        os.mkdir(tempfile.tempdir)
        os.environ["SAGA_LAB_SECRET"] = SECRET
        built = Arena(Path(home), silence)
        try:
            yield built
        finally:
            built.close()
            tempfile.tempdir, process.SILENCE, scheduler.MOST_TURNS = before
            del os.environ["SAGA_LAB_SECRET"]
