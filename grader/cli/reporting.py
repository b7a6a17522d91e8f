"""The command for a look at a whole class: report-class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import click

from grader.cli.telling import FILE, plainly
from grader.exercises import EXERCISES
from grader.report import MEDALS

if TYPE_CHECKING:
    from grader.items import Work


@click.command("report-class")
@click.argument("source")
@click.option("--html", type=FILE, help="Write a page with all of it.")
@click.option("--csv", type=FILE, help="Write a line for each fault and promise, with how many it hits.")
@click.option("--anonymous", type=FILE, metavar="KEYFILE", help="Name the learners by a hash with this key.")
def report_class_command(source: str, html: Path | None, csv: Path | None, anonymous: Path | None) -> None:
    """Show what a class finds hard.

    SOURCE is a gradebook, its file or its URL, or a folder of reports as grade-all --json-dir writes them.
    It tells which fault breaks which promise for how many, which cause hits most, with a story to show in
    class, who is stuck since when, and how the points are spread.

    \b
    saga-lab report-class gradebook.db --html class.html
    saga-lab report-class reports --csv items.csv
    """
    from grader import items
    from grader.batch import anonymous as another_name
    from grader.batch import key_in
    from grader.files import write_whole
    from grader.pages.whole_class import page

    with plainly():
        key = key_in(anonymous) if anonymous else None
        works = _read(source, lambda name: another_name(name, key) if key else name)
        _show(works)
        if html is not None:
            write_whole(html, page(works))
            click.echo(f"Written: {html}", err=True)
        if csv is not None:
            write_whole(csv, items.as_csv(items.items(works)))
            click.echo(f"Written: {csv}", err=True)


def _read(source: str, named: Callable[[str], str]) -> list[Work]:
    """The work that a source holds. Raises BadSource when there is nothing: none is made by looking."""
    from grader.gradebook import Gradebook
    from grader.items import BadSource, from_folder, from_gradebook

    path = Path(source.removeprefix("sqlite:///"))
    if path.is_dir():
        return from_folder(path, named)
    here = source.startswith("sqlite:") or "://" not in source
    if here and not path.is_file():
        raise BadSource(
            f"{source} is not there. Name a gradebook, for instance gradebook.db, or a folder of reports; "
            "saga-lab grade-all makes both."
        )
    with closing(Gradebook(f"sqlite:///{path}" if here else source)) as book:
        works = from_gradebook(book, named)
    if not works:
        raise BadSource(f"{source} holds no graded attempt yet. Grade some with saga-lab grade-all.")
    return works


def _show(works: Sequence[Work]) -> None:
    """A line for each exercise, and what hits most."""
    from rich.console import Console
    from rich.table import Table

    from grader.items import by_exercise, hits

    table = Table("Exercise", box=None, header_style="bold", pad_edge=False)
    for head in ("handed in", "passed", *MEDALS, "median"):
        table.add_column(head, justify="right")
    for exercise, some in by_exercise(works):
        medals = (sum(work.medal == medal for work in some) for medal in MEDALS)
        passed = sum(work.passed for work in some)
        middle = f"{median(work.points for work in some):g} / {EXERCISES[exercise].max_points}"
        title = EXERCISES[exercise].title
        table.add_row(title, *map(str, (len(some), passed, *medals)), middle)
    console = Console()
    console.print(table)
    found = hits(works)
    if found:
        console.print("\nWhat hits most", style="bold")
    for hit in found:
        told = f"  {hit.learners:>3} of {hit.of}  {hit.exercise} · {hit.promise} {hit.words}: {hit.fault}"
        console.print(told, markup=False, highlight=False)
