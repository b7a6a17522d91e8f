"""Race the graders: `make bench-graders`, or `python benchmarks/graders.py --help`.

The same right and wrong sagas of exercise 1 under each: nbgrader, otter and pytest run four plain cases of
their own, without any fault (`peers_exercise.py`), since they have no others; Saga Lab tries every single
fault. Each has an environment of its own, and all run in the same minutes, round after round. What counts is
the ratio. Seconds are wall time; memory is the peak of all processes together, each shared page once.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
from environments import ROOT, environment
from peers_exercise import nbgrader_course, otter_tests, plain_test, submission
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

EVERY = 0.02
"""Seconds between two looks at the memory."""
RIGHT = (ROOT / "solutions" / "exercise1_ecommerce_order.py").read_text()
WRONG = next((ROOT / "tests" / "corpus" / "exercise1" / "wrong").glob("M-G01_*.py")).read_text()
OURS = "Saga Lab, every single fault"


@dataclass(frozen=True)
class Run:
    """What to start for all the learners of a class; several commands go two at a time."""

    grader: str
    commands: list[list[str]]
    folder: Path
    python: Path


@dataclass(frozen=True)
class Measured:
    """Of one run: seconds, and MiB at the peak."""

    grader: str
    learners: int
    seconds: float
    mib: float


@click.command()
@click.option("--rounds", default=3, show_default=True, help="How often each grader runs.")
@click.option("--learners", default=20, show_default=True, help="How many hand in, for the class.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("bench"),
    show_default=True,
    help="For the figures.",
)
def main(rounds: int, learners: int, out: Path) -> None:
    """Grade one submission, and a class of 20, half of them right, in every grader."""
    console = Console()
    found: list[Measured] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as name, Progress(console=console) as progress:
        sizes = dict.fromkeys((1, learners))
        runs = [(size, run) for size in sizes for run in prepared(Path(name, str(size)), size)]
        task = progress.add_task("", total=len(runs) * rounds)
        for _ in range(rounds):
            for size, run in runs:
                progress.update(task, description=f"{run.grader}, {size}")
                found.append(measured(run, size))
                progress.advance(task)
    for size in sizes:
        console.print(table(size, found))
    out.mkdir(exist_ok=True)
    lines = [json.dumps(vars(one)) + "\n" for one in found]
    (out / "graders.jsonl").write_text("".join(lines))
    console.print(f"All figures are in {out / 'graders.jsonl'}.")


def prepared(folder: Path, size: int) -> Iterator[Run]:
    """The same class, as each of them wants it."""
    names = [f"s{number:02}" for number in range(size)]
    sources = {name: WRONG if number % 2 else RIGHT for number, name in enumerate(names)}
    saga_lab = folder / "saga_lab"
    for name, source in sources.items():
        place = saga_lab / "class" / name
        place.mkdir(parents=True)
        (place / "exercise1_ecommerce_order.py").write_text(source)
    ours = Path(sys.executable)
    command = [str(ours.with_name("saga-lab"))]
    if size == 1:
        alone = "class/s00/exercise1_ecommerce_order.py"
        yield Run(OURS, [[*command, "grade", "--quick", alone]], saga_lab, ours)
        yield Run("Saga Lab, every pair too", [[*command, "grade", alone]], saga_lab, ours)
    else:
        words = ["grade-all", "class", "--quick", "--all"]
        yield Run(OURS, [[*command, *words]], saga_lab, ours)

    python = environment("nbgrader", project=True)
    course = folder / "nbgrader"
    nbgrader_course(course, sources, python)
    grade = [str(python.with_name("nbgrader")), "autograde", "saga", "--force"]
    yield Run("nbgrader, 4 cases", [grade], course, python)

    plain = folder / "pytest"
    for name, source in sources.items():
        plain_test(plain / name, source)
    tests = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    yield Run("pytest, 4 cases", [[*tests, name] for name in names], plain, python)

    python = environment("otter", project=True)
    otter = folder / "otter"
    otter_tests(otter, python)
    run = [str(python.with_name("otter")), "run", "-a", "autograder.zip", "--no-logo"]
    for name, source in sources.items():
        (otter / name).mkdir()
        submission(otter / f"{name}.ipynb", source)
    yield Run("otter, 4 cases", [[*run, "-o", name, f"{name}.ipynb"] for name in names], otter, python)


def measured(run: Run, learners: int) -> Measured:
    """Seconds and memory of all that a run starts; raises when a grader cannot grade."""
    environ = os.environ | {"PATH": f"{run.python.parent}:{os.environ['PATH']}"}
    waiting, running, peak = [*run.commands], list[subprocess.Popen[bytes]](), 0.0
    began = looked = time.perf_counter()
    while waiting or running:
        while waiting and len(running) < (os.cpu_count() or 1):
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            running.append(subprocess.Popen(waiting.pop(0), cwd=run.folder, env=environ, **quiet))
        for process in [x for x in running if x.poll() is not None]:
            running.remove(process)
            if process.returncode not in (0, 1):
                raise click.ClickException(f"{run.grader} ended with {process.returncode}")
        if time.perf_counter() - looked > EVERY:
            peak, looked = max(peak, sum(memory(process.pid) for process in running)), time.perf_counter()
        time.sleep(0.002)
    return Measured(run.grader, learners, time.perf_counter() - began, peak)


def memory(pid: int) -> float:
    """MiB of a process and all below it: the proportional share of each, which Linux tells."""
    share, below = 0.0, []
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                share = int(line.split()[1]) / 1024
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0  # it has just ended
    return share + sum(memory(int(child)) for child in below)


def table(learners: int, found: list[Measured]) -> Table:
    """Medians, and how they stand to ours."""
    shown = Table(title=f"{learners} submission{'s' if learners > 1 else ''}", title_justify="left")
    shown.add_column("grader")
    for column in ("seconds", "a minute", "MiB", "x seconds", "x MiB"):
        shown.add_column(column, justify="right")
    medians = {}
    for grader in dict.fromkeys(x.grader for x in found if x.learners == learners):
        mine = [x for x in found if (x.grader, x.learners) == (grader, learners)]
        medians[grader] = [statistics.median(getattr(x, key) for x in mine) for key in ("seconds", "mib")]
    ours = medians[OURS]
    for grader, (seconds, mib) in medians.items():
        ratios = f"{seconds / ours[0]:.1f}", f"{mib / ours[1]:.1f}"
        shown.add_row(grader, f"{seconds:.1f}", f"{60 * learners / seconds:.0f}", f"{mib:.0f}", *ratios)
    return shown


if __name__ == "__main__":
    main()
