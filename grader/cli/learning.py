"""The commands for a file that was written: grade, watch, replay, hint, explore."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from grader import report as reports
from grader.cli.telling import EXERCISE, FILE, Bar, graded, plainly
from grader.hints import STEPS, steps
from grader.judge import explore_file, grade, replay_file
from grader.loop import screen, versions
from grader.pages import page
from grader.progress import keep
from grader.sandbox import best
from grader.story import faults_in_words, story, struck
from saga_lab.views.timeline import timeline


@click.command("grade")
@click.argument("file", type=FILE)
@EXERCISE
@click.option("--quick", is_flag=True, help="Single faults only, no pairs.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON.")
@click.option("--html", type=FILE, help="Write a page with the pictures of what failed.")
@click.option("--require-sandbox", is_flag=True, help="Refuse to grade where no sandbox is to be had.")
def grade_command(
    file: Path, exercise: int | None, quick: bool, as_json: bool, html: Path | None, require_sandbox: bool
) -> None:
    """Try every fault at every call of FILE.

    FILE is a .py or an .ipynb. All single faults are tried, and when they pass, all pairs. Exit code:
    0 when every promise holds, 1 when not, 2 when the file cannot be run at all, 3 for an error of the
    grader's own.

    \b
    saga-lab grade exercise1_ecommerce_order.py
    saga-lab grade exercise1_ecommerce_order.ipynb --html report.html
    """
    with plainly():
        sandbox = best(require_sandbox)
    progress = Bar()
    report = graded(exercise, file, quick=quick, progress=progress, sandbox=sandbox)
    progress.done()
    keep(report, file.parent)
    click.echo(reports.as_json(report) if as_json else str(report), nl=as_json)
    if html is not None:
        html.write_text(page(report), encoding="utf-8")
        click.echo(f"Written: {html}", err=True)
    sys.exit(report.exit_code)


@click.command("watch")
@click.argument("file", type=FILE)
@EXERCISE
@click.option("--full", is_flag=True, help="Try all pairs too, when the single faults pass.")
def watch_command(file: Path, exercise: int | None, full: bool) -> None:
    """Grade FILE again whenever you save it.

    Single faults, in a second or two. Return grades at once, Ctrl-C ends.
    """
    try:
        for text in versions(file):
            if text is None:
                click.echo(f"{file.name} is not there. Waiting for it ...", err=True)
                continue
            began, progress = time.monotonic(), Bar()
            report = grade(exercise, file, quick=not full, progress=progress)
            progress.done()
            keep(report, file.parent)
            click.clear()
            click.echo(screen(report, file, time.monotonic() - began), nl=False)
    except KeyboardInterrupt:
        click.echo()


@click.command("replay")
@click.argument("file", type=FILE)
@click.argument("token")
@EXERCISE
@click.option("--svg", type=FILE, help="Write the run's timeline as a picture.")
def replay_command(file: Path, token: str, exercise: int | None, svg: Path | None) -> None:
    """Play one run of FILE again, by its TOKEN.

    It tells the run's story, and the promises that it broke.

    \b
    saga-lab replay exercise1_ecommerce_order.py none
    saga-lab replay exercise1_ecommerce_order.py "payments.charge:lost*"
    saga-lab replay exercise1_ecommerce_order.py "shipping.create:refuse" --svg run.svg

    A token names a fault and its place: SITE:KIND, several joined by " + ", after case:NAME if it is not
    the first case, and first of all seed:N for a request with other names and amounts. Kinds: refuse,
    down, lost, late, slow=5m, twice, crash-before, crash-after; a star means from now on.
    """
    with plainly():
        run = replay_file(file, token, exercise)
    rules = run.submission.exercise.rules
    first = run.broken[0][1] if run.broken else None
    click.echo(f"What we did: {faults_in_words(run.trace.token)}")
    if not struck(run.trace):
        click.echo("Not all of it struck: this saga did not make every call that was to go wrong.")
    click.echo()
    click.echo("\n".join(story(run.trace, first, rules.tells, most=60)) + "\n")
    for invariant, broken in run.broken:
        click.echo(f"✗ {invariant.id} {broken.observed}\n  must hold: {broken.expected}")
    if not run.broken:
        click.echo("✓ every promise holds in this run")
    if run.printed:
        click.echo(f"\nYour code printed:\n{run.printed.rstrip()}")
    if svg is not None:
        timeline(run.trace, run.submission.exercise.world).save(svg)
        click.echo(f"Written: {svg}", err=True)


@click.command("hint")
@click.argument("file", type=FILE)
@EXERCISE
@click.option("--step", type=click.IntRange(1, STEPS), help="This one alone, without asking.")
def hint_command(file: Path, exercise: int | None, step: int | None) -> None:
    """Show hints for the first failure of FILE.

    One at a time: a question, then the idea, then the run.
    """
    with plainly():
        report = grade(exercise, file, quick=True)
    hints = steps(report)
    if not hints:
        click.echo(report.problem or "Nothing failed in the single faults; saga-lab grade tries pairs too.")
    elif step is not None or not sys.stdin.isatty():
        click.echo(hints[(step or 1) - 1])
    else:
        for number, told in enumerate(hints, 1):
            click.echo(told)
            if number < len(hints) and not click.confirm("The next hint?", default=False):
                break
    sys.exit(report.exit_code)


@click.command("explore")
@click.argument("file", type=FILE)
@EXERCISE
def explore_command(file: Path, exercise: int | None) -> None:
    """List every single fault, and what came of it.

    One line each: the fault's token, for replay; the status that FILE returned; the promises it broke.
    """
    progress = Bar()
    with plainly():
        handed_in, found = explore_file(file, exercise, progress)
    progress.done()
    for trace in found.traces:
        broken = [x.id for x, _ in handed_in.exercise.rules.broken(trace, handed_in.exercise.world)]
        status = trace.result.get("status") if isinstance(trace.result, dict) else ""
        told = status or trace.error or trace.stopped or "no status"
        click.echo(f"{'✗' if broken else '✓'} {trace.token:<58} {told}  {' '.join(broken)}".rstrip())
    rest = "" if found.complete else "; it broke off there, since more would tell nothing new"
    click.echo(f"\n{found.ran} of {found.exist} scenarios ran{rest}.")
