"""The command line: saga-lab grade, hint, replay, explore, init, reset, lab."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import click

from grader import report as reports
from grader import workbook
from grader.hints import STEPS, steps
from grader.judge import explore_file, grade, replay_file
from grader.launch import open_lab
from grader.page import page
from grader.process import GraderError
from grader.report import Report
from grader.sandbox import NoSandbox, best
from grader.story import faults_in_words, story, struck
from grader.submission import CannotRun
from saga_lab.cli.runs import runs
from saga_lab.sim import BadToken
from saga_lab.views.timeline import timeline

FILE = click.Path(path_type=Path)
EXERCISE = click.option(
    "--exercise", "-e", type=int, help="The exercise's number, if the file's name does not say."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="saga-lab")
def main() -> None:
    """Learn how several services agree without a shared transaction.

    Begin with `saga-lab lab`: it makes your working copy and opens JupyterLab there. Edit an exercise,
    then hand it in with `saga-lab grade`.
    """


main.add_command(runs)


@main.command("grade")
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
    with _told():
        sandbox = best(require_sandbox)
    progress = Bar()
    try:
        report = grade(exercise, file, quick=quick, progress=progress, sandbox=sandbox)
    except Exception as error:  # noqa: BLE001 - a grader's error is never the learner's failure
        report = Report(0, "", file.name, "grader error", problem=f"{type(error).__name__}: {error}")
    progress.done()
    click.echo(reports.as_json(report) if as_json else str(report), nl=as_json)
    if html is not None:
        html.write_text(page(report), encoding="utf-8")
        click.echo(f"Written: {html}", err=True)
    sys.exit(report.exit_code)


@main.command("replay")
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
    with _told():
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


@main.command("hint")
@click.argument("file", type=FILE)
@EXERCISE
@click.option("--step", type=click.IntRange(1, STEPS), help="This one alone, without asking.")
def hint_command(file: Path, exercise: int | None, step: int | None) -> None:
    """Show a hint for the first failure of FILE: a question, then the idea, then the run. One at a time."""
    with _told():
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


@main.command("explore")
@click.argument("file", type=FILE)
@EXERCISE
def explore_command(file: Path, exercise: int | None) -> None:
    """List every single fault, and what came of it.

    One line each: the fault's token, for replay; the status that FILE returned; the promises it broke.
    """
    progress = Bar()
    with _told():
        handed_in, found = explore_file(file, exercise, progress)
    progress.done()
    for trace in found.traces:
        broken = [x.id for x, _ in handed_in.exercise.rules.broken(trace, handed_in.exercise.world)]
        status = trace.result.get("status") if isinstance(trace.result, dict) else ""
        told = status or trace.error or trace.stopped or "no status"
        click.echo(f"{'✗' if broken else '✓'} {trace.token:<58} {told}  {' '.join(broken)}".rstrip())
    rest = "" if found.complete else "; it broke off there, since more would tell nothing new"
    click.echo(f"\n{found.ran} of {found.exist} scenarios ran{rest}.")


@main.command("init")
@click.argument("folder", type=FILE)
def init_command(folder: Path) -> None:
    """Make a working copy: notebooks and starters.

    What you change there is yours: updating the project never touches it. Run it again after an update
    and only what is missing is added.
    """
    _say(lambda: workbook.init(folder))


@main.command("reset")
@click.argument("exercise", type=int)
@click.option("--folder", type=FILE, help="Your working copy; default: this folder, or workbook/ in it.")
def reset_command(exercise: int, folder: Path | None) -> None:
    """Restore an exercise, and keep what you wrote.

    EXERCISE is its number. What you wrote is kept beside the starter and the notebook, under another name.
    """
    _say(lambda: workbook.reset(exercise, folder or workbook.usual()))


@main.command("lab", context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[FOLDER] [OPTIONS]...")
def lab_command(words: tuple[str, ...]) -> None:
    """Open JupyterLab at the first notebook.

    FOLDER is your working copy, made if it is not there; default: this folder, or workbook/ in it.
    What follows goes to JupyterLab, for instance --no-browser or --port 8890.
    """
    named = bool(words) and not words[0].startswith("-")
    with _told():
        open_lab(Path(words[0]) if named else workbook.usual(), words[named:])


class _told:
    """What a user can mend is said in words, with exit code 2; no traceback. What not, with 3."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, CannotRun | BadToken | workbook.Refusal):
            click.echo(str(error), err=True)
            sys.exit(2)
        if isinstance(error, NoSandbox):
            click.echo(str(error), err=True)
            sys.exit(3)
        if isinstance(error, GraderError):
            click.echo(f"The grader itself failed, which says nothing about your saga: {error}", err=True)
            sys.exit(3)


def _say(work: Callable[[], list[str]]) -> None:
    with _told():
        click.echo("\n".join(work()))


class Bar:
    """A line that counts and says how long it will still take, on a terminal, once it takes over 2 s."""

    def __init__(self) -> None:
        self.began = self.last = time.monotonic()
        self.drawn, self.ran = False, 0

    def __call__(self, ran: int, known: int) -> None:
        now = time.monotonic()
        if ran < self.ran:  # the pairs begin
            self.began = now
        self.ran = ran
        if now - self.began > 2 and now - self.last > 0.2 and sys.stderr.isatty():
            self.last, self.drawn = now, True
            told = f"{ran} of {known} scenarios, {left(now - self.began, ran / known)}"
            click.echo(f"\r  {'█' * int(30 * ran / known):<30} {told:<48}", nl=False, err=True)

    def done(self) -> None:
        if self.drawn:
            click.echo("\r" + " " * 82 + "\r", nl=False, err=True)


def left(elapsed: float, share: float) -> str:
    """How long it will still take, when this share of it took so many seconds."""
    seconds = elapsed * (1 - share) / share
    return f"about {seconds / 60:.0f} min left" if seconds >= 90 else f"about {max(seconds, 1):.0f} s left"
