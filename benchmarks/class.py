"""How long a class takes to grade: `python benchmarks/class.py [--help]`, or `make bench-class`.

Each grader gets the same folder, one for each learner, half of them right and half wrong, and is started
as a teacher would start it. Wall time counts, since a teacher waits; memory is that of all its processes
together, each shared page counted once.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parent.parent
FILE = "exercise1_ecommerce_order.py"
CHILD_SUBREAPER = 36
"""Of prctl: what a grader leaves behind becomes a child of this process."""
OFTEN = 0.1
"""Seconds between two looks at the memory."""


@dataclass(frozen=True)
class Grader:
    """A contestant: the command that grades the folder `class` in its working directory with so many workers.

    It ends with 0 when all was graded, or the race is off.
    """

    title: str
    command: Callable[[int], list[str]]


def saga_lab(workers: int) -> list[str]:
    """Single faults, every one at every call."""
    program = Path(sys.executable).with_name("saga-lab")
    return [str(program), "grade-all", "class", "--quick", "--workers", str(workers), "--csv", "marks.csv"]


GRADERS = (Grader("Saga Lab, all single faults", saga_lab),)


@dataclass(frozen=True)
class Figure:
    """One run: seconds of wall and processor time, and bytes at the height."""

    wall: float
    cpu: float
    memory: int


@click.command()
@click.option("--learners", default=20, show_default=True, help="How many hand in exercise 1.")
@click.option("--workers", default=2, show_default=True, help="How many are graded at once.")
@click.option("--rounds", default=3, show_default=True, help="How often each grader runs; medians are shown.")
def main(learners: int, workers: int, rounds: int) -> None:
    """Grade a class with every grader: submissions a minute, and memory."""
    shown = Table(title=f"{learners} submissions, {workers} at once", title_justify="left")
    shown.add_column("grader")
    for column in ("a minute", "x Saga Lab", "s processor time each", "MB"):
        shown.add_column(column, justify="right")
    best = 0.0
    for grader in GRADERS:
        runs = [race(grader, learners, workers) for _ in range(rounds)]
        wall = statistics.median(x.wall for x in runs)
        cpu = statistics.median(x.cpu for x in runs)
        memory = statistics.median(x.memory for x in runs)
        speed = 60 * learners / wall
        best = best or speed
        each = f"{cpu / learners:.2f}"
        shown.add_row(grader.title, f"{speed:,.0f}", f"{speed / best:.2f}", each, f"{memory / 1e6:,.0f}")
    Console().print(shown)


def race(grader: Grader, learners: int, workers: int) -> Figure:
    """One run, in a new folder."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        hand_in(Path(name, "class"), learners)
        before, began, memory = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter(), 0
        with Path(name, "said").open("w+") as said:
            process = subprocess.Popen(grader.command(workers), cwd=name, stdout=said, stderr=said)
            while process.poll() is None:
                memory = max(memory, sum(map(shares, family(process.pid))))
                with suppress(subprocess.TimeoutExpired):
                    process.wait(OFTEN)
            wall = time.perf_counter() - began
            with suppress(ChildProcessError):
                while True:
                    os.wait()  # for those it left behind, whose time counts too
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            if process.returncode:
                said.seek(0)
                raise click.ClickException(f"{grader.title} failed:\n{said.read()}")
    return Figure(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, memory)


def hand_in(folder: Path, learners: int) -> None:
    """Fill the folder of a class, by turns from what is right and what is wrong in the corpus."""
    corpus = ROOT / "tests" / "corpus" / "exercise1"
    right, wrong = (sorted((corpus / kind).glob("*.py")) for kind in ("right", "wrong"))
    both = itertools.chain.from_iterable(zip(itertools.cycle(right), itertools.cycle(wrong), strict=False))
    for number, source in zip(range(learners), both, strict=False):
        place = folder / f"learner{number:03}"
        place.mkdir(parents=True)
        shutil.copy(source, place / FILE)


def family(process: int) -> list[int]:
    """A process, and all that it started."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return []
    return [process, *(one for child in children for one in family(int(child)))]


def shares(process: int) -> int:
    """Bytes of memory, with its share of each page that others have too."""
    with suppress(OSError), open(f"/proc/{process}/smaps_rollup", encoding="ascii") as file:
        return sum(int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:"))
    return 0


if __name__ == "__main__":
    ctypes.CDLL(None).prctl(CHILD_SUBREAPER, 1)
    main()
