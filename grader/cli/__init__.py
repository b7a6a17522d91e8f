"""The command line: saga-lab, and what it can be told to do."""

from __future__ import annotations

import click

from grader.cli.course import serve_command, submit_command
from grader.cli.exporting import export
from grader.cli.learning import explore_command, grade_command, hint_command, replay_command, watch_command
from grader.cli.reporting import report_class_command
from grader.cli.teaching import backup_command, grade_all_command
from grader.cli.working import (
    board_command,
    doctor_command,
    init_command,
    lab_command,
    release_command,
    reset_command,
)
from saga_lab.cli.runs import runs

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="saga-lab")
def main() -> None:
    """Learn how several services agree without a shared transaction.

    Begin with `saga-lab lab`: it makes your working copy and opens JupyterLab there. Edit an exercise,
    then hand it in with `saga-lab grade`.
    """


COMMANDS = [
    lab_command,
    board_command,
    init_command,
    reset_command,
    grade_command,
    submit_command,
    watch_command,
    replay_command,
    hint_command,
    explore_command,
    doctor_command,
    grade_all_command,
    report_class_command,
    serve_command,
    backup_command,
    release_command,
    export,
    runs,
]
for command in COMMANDS:
    main.add_command(command)
