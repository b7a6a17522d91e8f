"""The commands for a working copy: init, reset, lab, board, doctor; and release, for those who teach."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click
import msgspec

from grader import doctor, handout, workbook
from grader.board import board
from grader.cli.telling import FILE, plainly
from grader.launch import open_lab


@click.command("init")
@click.argument("folder", type=FILE)
def init_command(folder: Path) -> None:
    """Make a working copy: notebooks and starters.

    What you change there is yours: updating the project never touches it. Run it again after an update
    and only what is missing is added.
    """
    _say(lambda: workbook.init(folder))


@click.command("reset")
@click.argument("exercise", type=int)
@click.option("--folder", type=FILE, help="Your working copy; default: this folder, or workbook/ in it.")
def reset_command(exercise: int, folder: Path | None) -> None:
    """Restore an exercise, and keep what you wrote.

    EXERCISE is its number. What you wrote is kept beside the starter and the notebook, under another name.
    """
    _say(lambda: workbook.reset(exercise, folder or workbook.usual()))


@click.command("lab", context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[FOLDER] [OPTIONS]...")
def lab_command(words: tuple[str, ...]) -> None:
    """Open JupyterLab at the first notebook.

    FOLDER is your working copy, made if it is not there; default: this folder, or workbook/ in it.
    What follows goes to JupyterLab, for instance --no-browser or --port 8890.
    """
    named = bool(words) and not words[0].startswith("-")
    with plainly():
        open_lab(Path(words[0]) if named else workbook.usual(), words[named:])


@click.command("board")
@click.argument("folder", type=FILE, required=False)
def board_command(folder: Path | None) -> None:
    """Show the six exercises, with your medals.

    FOLDER is your working copy; default: this folder, or workbook/ in it. What you reached stands in
    progress.txt there: it is yours to read, and to delete.
    """
    click.echo(str(board(folder)))


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def doctor_command(as_json: bool) -> None:
    """Check this machine, and say what to do.

    Exit code: 0 when all that grading needs is there, 1 when not.
    """
    found = []
    for finding in doctor.examine():
        found.append(finding)
        if not as_json:
            mark = "✓" if finding.well else "✗" if finding.needed else "!"
            click.echo(f"{mark} {finding.name:<14}{finding.seen}")
            if not finding.well:
                click.echo(f"  {'':<14}{finding.todo}")
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    sys.exit(any(x.needed and not x.well for x in found))


@click.command("release")
@click.argument("folder", type=FILE)
def release_command(folder: Path) -> None:
    """Make the students' hand-out, without solutions.

    FOLDER is a new one. It holds the project as students need it; they run `make lab` in it.
    """
    _say(lambda: handout.release(folder))


def _say(work: Callable[[], list[str]]) -> None:
    with plainly():
        click.echo("\n".join(work()))
