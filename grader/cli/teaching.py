"""The commands for those who teach: grade-all, backup."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli.telling import FILE, GRADEBOOK, plainly
from grader.sandbox import best

if TYPE_CHECKING:
    from grader.batch import HandedIn
    from grader.gradebook import Attempt


@click.command("grade-all")
@click.argument("folder", type=FILE)
@click.option("--all", "again", is_flag=True, help="Grade again what has a result of this grader already.")
@click.option("--quick", is_flag=True, help="Single faults only, no pairs.")
@GRADEBOOK
@click.option("--workers", type=click.IntRange(1), help="How many at once; default: one a core.")
@click.option("--csv", type=FILE, help="Write a line for each file, by learner and exercise.")
@click.option("--json-dir", type=FILE, help="Write each report as JSON, in a folder for each learner.")
@click.option("--anonymous", type=FILE, metavar="KEYFILE", help="Name the learners by a hash with this key.")
@click.option("--dask", metavar="ADDRESS", help="Grade on a Dask cluster, for instance tcp://host:8786.")
@click.option("--require-sandbox", is_flag=True, help="Refuse to grade where no sandbox is to be had.")
def grade_all_command(
    folder: Path,
    again: bool,
    quick: bool,
    gradebook: str,
    workers: int | None,
    csv: Path | None,
    json_dir: Path | None,
    anonymous: Path | None,
    dask: str | None,
    require_sandbox: bool,
) -> None:
    """Grade a whole class: FOLDER holds a folder for each learner, with the files in it.

    \b
    class/ada/exercise1_ecommerce_order.py
    class/ada/exercise2_money_transfer.ipynb
    class/bert/exercise1_ecommerce_order.ipynb

    Every attempt is kept in a gradebook, with its report, as soon as it is graded. Stop it whenever you
    like: the same command goes on where it was, and grades only what is new, or was graded by another
    version. The results are the same however many are graded at once. Exit code: 0 when all was graded,
    1 when a file could not be taken, 2 when nothing could, 3 for an error of the grader's own.

    \b
    saga-lab grade-all class --quick
    saga-lab grade-all class --csv marks.csv --json-dir reports
    """
    from grader import batch
    from grader.gradebook import Gradebook

    with plainly(), _cluster(dask, workers) as (executor, at_once):
        learners = batch.folder_of_a_class(folder)
        key = batch.key_in(anonymous) if anonymous else None
        best(require_sandbox)
        book = Gradebook(gradebook)
        taken = batch.take(learners, book, lambda name: batch.anonymous(name, key) if key else name)
        now = {attempt.number: attempt for attempt in taken.attempts}
        to_do = [x.number for x in taken.attempts if again or batch.stale(x, quick)]
        for number in to_do:
            book.regrade(now[number])

        def write(*attempts: Attempt) -> None:
            now.update((attempt.number, attempt) for attempt in attempts)
            if json_dir is not None:
                for attempt in attempts:
                    batch.write_report(json_dir, attempt, book.report(attempt.number))
            if csv is not None:
                batch.write_csv(csv, now.values(), taken.problems)

        write(*taken.attempts)
        with _bar(len(to_do)) as step:

            def ready(attempt: Attempt) -> None:
                write(attempt)
                step()

            how = batch.How(quick, require_sandbox)
            batch.grade_all(to_do, book, how, executor, at_once, ready=ready, grader=batch.this_process())
    sys.exit(_told([*now.values()], len(to_do), taken.problems, gradebook))


@click.command("backup")
@click.argument("file", type=FILE)
@GRADEBOOK
def backup_command(file: Path, gradebook: str) -> None:
    """Copy the gradebook to FILE, whole, while others go on grading.

    The copy is a gradebook itself: to go back to it, put it in the place of the other.

    \b
    saga-lab backup monday.db
    """
    from grader.gradebook import Gradebook

    with plainly():
        Gradebook(gradebook).backup(file)
    click.echo(f"Written: {file}")


@contextmanager
def _cluster(dask: str | None, workers: int | None) -> Iterator[tuple[Callable[[], Executor], int]]:
    """What makes an executor, and how many it can do at once."""
    from grader.batch import local_processes
    from grader.batch.dask import executors

    if dask is None:
        at_once = workers or len(os.sched_getaffinity(0))
        yield partial(local_processes, at_once), at_once
    else:
        with executors(dask) as (make, threads):
            yield make, workers or threads


@contextmanager
def _bar(count: int) -> Iterator[Callable[[], None]]:
    """A line that counts and says how long it will still take, on a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    left = (TimeRemainingColumn(), TextColumn("left"))
    columns = [TextColumn("grading"), BarColumn(), MofNCompleteColumn(), *left]
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=count)
        yield lambda: progress.advance(task)


def _told(attempts: Sequence[Attempt], graded: int, problems: Sequence[HandedIn], gradebook: str) -> int:
    """Say what came of it; gives the exit code."""
    learners = len({attempt.learner for attempt in attempts})
    verdicts = Counter(attempt.verdict for attempt in attempts)
    same = len(attempts) - graded
    click.echo(f"{len(attempts)} files of {learners} learners: {graded} graded, {same} as they were.")
    click.echo("  " + ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())))
    for problem in problems:
        click.echo(f"Not taken: {problem.learner}, {problem.file}: {problem.problem}.", err=True)
    for attempt in attempts:
        if attempt.verdict == "grader error":
            where = f"{attempt.learner}, {attempt.file} (attempt {attempt.number})"
            click.echo(f"Not graded, by an error of the grader's own: {where}.", err=True)
    return 3 if verdicts["grader error"] else 1 if problems else 0
