"""Race the engines: `make bench`, or `python benchmarks/engines.py --help`.

Each contestant has an environment of its own and runs in a process of its own, one after another, round
after round, so that a busy minute of the machine strikes all alike. What counts is the ratio.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
from environments import environment
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from saga_lab.views import theme
from saga_lab.views.svg import document, heading, line, quiet, rect, text

HERE = Path(__file__).parent
MEMORY, DISK = "in memory, processor time", "on SQLite, WAL and full sync, wall time"
OURS = {MEMORY: "saga_lab_memory", DISK: "saga_lab_sqlite"}


@dataclass(frozen=True)
class Engine:
    """A contestant: the list of what to install for it (none: this project's own), and where it races."""

    module: str
    title: str
    peers: str
    race: str


ENGINES = (
    Engine("saga_lab_memory", "Saga Lab", "", MEMORY),
    Engine("cqrs_memory", "python-cqrs", "cqrs", MEMORY),
    Engine("minos_memory", "minos", "minos", MEMORY),
    Engine("saga_lab_sqlite", "Saga Lab", "", DISK),
    Engine("cqrs_sqlite", "python-cqrs", "cqrs", DISK),
    Engine("dbos_sqlite", "DBOS", "dbos", DISK),
)


@dataclass(frozen=True)
class Figure:
    """Medians over all rounds, in microseconds a saga; `floor` is the same without an engine."""

    engine: Engine
    path: str
    at_once: int
    us: float
    floor: float


@click.command()
@click.option("--rounds", default=3, show_default=True, help="How often each engine runs.")
@click.option("--only", multiple=True, metavar="MODULE", help="Race only these: see the contestants folder.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("bench"),
    show_default=True,
    help="For the picture.",
)
def main(rounds: int, only: tuple[str, ...], out: Path) -> None:
    """Run a saga of four steps through every engine: done, or refused at the fourth; 1 to 1,000 at once."""
    console = Console()
    engines = [engine for engine in ENGINES if not only or engine.module in only]
    if not engines:
        raise click.UsageError(f"choose among {', '.join(engine.module for engine in ENGINES)}")
    lines: list[dict[str, object]] = []
    with Progress(console=console) as progress:
        task = progress.add_task("preparing", total=len(engines) * rounds)
        pythons = {
            engine.module: environment(engine.peers) if engine.peers else Path(sys.executable)
            for engine in engines
        }
        for round in range(rounds):
            for engine in engines:
                progress.update(task, description=f"{engine.title}, {engine.race}")
                lines += race(engine, pythons[engine.module], round)
                progress.advance(task)
    figures = list(medians(engines, lines))
    for name in (MEMORY, DISK):
        if any(figure.engine.race == name for figure in figures):
            console.print(table(name, figures))
    out.mkdir(exist_ok=True)
    (out / "engines.jsonl").write_text("".join(json.dumps(said) + "\n" for said in lines))
    (out / "engines.svg").write_text(picture(figures))
    console.print(f"The picture is {out / 'engines.svg'}, all figures are in {out / 'engines.jsonl'}.")


def race(engine: Engine, python: Path, round: int) -> Iterator[dict[str, object]]:
    """One run of one contestant; raises when it fails, since half a race says nothing."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        command = [str(python), str(HERE / "contest.py"), engine.module, folder, str(round)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise click.ClickException(f"{engine.module} failed:\n{done.stderr}")
        for said in done.stdout.splitlines():
            yield json.loads(said)


def medians(engines: list[Engine], lines: list[dict[str, object]]) -> Iterator[Figure]:
    """One figure for each engine, path and number at once."""
    for engine in engines:
        clock = "cpu_us" if engine.race == MEMORY else "us"
        mine = [said for said in lines if said["engine"] == engine.module]
        for path, at_once in dict.fromkeys((said["path"], said["at_once"]) for said in mine):
            same = [said for said in mine if (said["path"], said["at_once"]) == (path, at_once)]
            us, floor = (statistics.median(said[key] for said in same) for key in (clock, f"floor_{clock}"))
            yield Figure(engine, path, at_once, us, floor)


def table(name: str, figures: list[Figure]) -> Table:
    """Microseconds a saga, and ratios: to the floor, and to this project's engine."""
    shown = Table(title=name, title_justify="left")
    for column in ("engine", "path", "at once"):
        shown.add_column(column)
    for column in ("µs a saga", "x floor", "x Saga Lab"):
        shown.add_column(column, justify="right")
    ours = {(x.path, x.at_once): x.us for x in figures if x.engine.module == OURS[name]}
    for x in figures:
        if x.engine.race == name:
            ratio = f"{x.us / ours[x.path, x.at_once]:.1f}" if ours else ""
            shown.add_row(
                x.engine.title, x.path, f"{x.at_once:,}", f"{x.us:,.0f}", f"{x.us / x.floor:,.1f}", ratio
            )
    return shown


# ---- the picture

WIDE, LEFT, RIGHT, ROW = 860, 150, 90, 20


def picture(figures: list[Figure]) -> str:
    """Bars, as many times longer as the engine takes longer than the floor, for the path that succeeds."""
    shown = [x for x in figures if x.path == "succeed"]
    body, y = (
        heading("Four steps, all done", "times as long as the same calls without an engine", WIDE, 24),
        60.0,
    )
    for name in (MEMORY, DISK):
        group = [x for x in shown if x.engine.race == name]
        if not group:
            continue
        scale = (WIDE - LEFT - RIGHT) / max(x.us / x.floor for x in group)
        body += text(24, y + 14, name, 13, font_weight=600)
        y += 26
        for x in group:
            ratio = x.us / x.floor
            hue = theme.FORWARD if x.engine.module == OURS[name] else theme.WAITING
            body += quiet(24, y + 14, f"{x.engine.title}, {x.at_once:,}", 12)
            body += rect(LEFT, y + 3, LEFT + max(ratio * scale, 1), y + ROW - 3, rx=2, fill=hue)
            body += text(LEFT + max(ratio * scale, 1) + 6, y + 14, f"{ratio:,.1f} x", 12)
            y += ROW
        body += line(LEFT, y - ROW * len(group), LEFT, y, stroke_opacity=0.4)
        y += 14
    words = "; ".join(f"{x.engine.title}, {x.at_once} at once: {x.us / x.floor:.1f} times" for x in shown)
    return document(body, wide=WIDE, high=y + 10, title="Engines in comparison", story=words)


if __name__ == "__main__":
    main()
