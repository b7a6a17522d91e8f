"""The commands for a working copy: init, reset, lab."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from grader import workbook
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


def _say(work: Callable[[], list[str]]) -> None:
    with plainly():
        click.echo("\n".join(work()))
