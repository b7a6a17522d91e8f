"""The commands of a course: submit, for learners; serve, for the teacher."""

from __future__ import annotations

import os
from pathlib import Path

import click

from grader.cli.telling import EXERCISE, FILE, plainly
from grader.submit import COURSE, TOKEN, submit


@click.command("submit")
@click.argument("file", type=FILE)
@click.option("--to", default="", metavar="ADDRESS", help=f"The course's address, or a folder [${COURSE}].")
@click.option("--token", default="", help=f"Yours, from your teacher [${TOKEN}].")
@click.option("--name", default="", help="Of your folder, when handing in to one; default: who you are here.")
@EXERCISE
def submit_command(file: Path, to: str, token: str, name: str, exercise: int | None) -> None:
    """Hand in FILE, as it is saved now.

    What you give once is kept in your working copy. The same file twice is one attempt, so when in doubt
    hand it in again. Of all that you hand in the best counts.

    \b
    saga-lab submit exercise1_ecommerce_order.py --to https://course.example.org --token 4f1c...
    saga-lab submit exercise1_ecommerce_order.ipynb
    saga-lab submit exercise2_money_transfer.py --to /srv/class
    """
    with plainly():
        click.echo(str(submit(file, to, token, name=name, exercise=exercise)))


@click.command("serve")
@click.argument("gradebook", default="gradebook.db")
@click.option("--port", type=click.IntRange(0, 65_535), default=8765, show_default=True, help="0: any.")
@click.option("--host", default="127.0.0.1", show_default=True, help="0.0.0.0: for other machines too.")
@click.option("--workers", type=click.IntRange(1), help="How many grade at once; default: one a core.")
@click.option("--roster", type=FILE, help="Enrol this list first (CSV: id, name).")
@click.option("--quick", is_flag=True, help="Single faults only, no pairs.")
@click.option("--require-sandbox", is_flag=True, help="Refuse to serve where no sandbox is to be had.")
@click.option("--base", default="", metavar="PATH", help="Where a proxy shows it, for instance /course.")
@click.option("--new-teacher-token", is_flag=True, help="Make the former one void.")
def serve_command(
    gradebook: str,
    port: int,
    host: str,
    workers: int | None,
    roster: Path | None,
    quick: bool,
    require_sandbox: bool,
    base: str,
    new_teacher_token: bool,
) -> None:
    """Serve the course: take what learners hand in, grade it, show each their own results.

    GRADEBOOK is a file, or postgresql://user:password@host/database. All that was handed in is in it, and
    it survives whatever happens to the server. docs/class.md tells how to run it for a class.

    \b
    saga-lab serve gradebook.db --roster class.csv
    saga-lab serve gradebook.db --host 0.0.0.0 --workers 4
    """
    try:
        from grader.course.serving import serve
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"The server needs {error.name}, which is not installed. Type: pip install 'saga-lab[serve]'"
        ) from None
    from grader.batch import How
    from grader.sandbox import best

    with plainly():
        best(require_sandbox)
        serve(
            gradebook if "://" in gradebook else f"sqlite:///{gradebook}",
            host,
            port,
            How(quick, require_sandbox),
            workers or len(os.sched_getaffinity(0)),
            base=f"/{base.strip('/')}" if base.strip("/") else "",
            list_of_learners=roster,
            new_teacher_token=new_teacher_token,
            say=click.echo,
        )
