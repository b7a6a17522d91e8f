"""The commands for what other systems read: export, in each of their formats."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from grader.cli.telling import EXERCISE, FILE, GRADEBOOK, Bar, graded, plainly
from grader.exercises import EXERCISES
from grader.exports import classroom, exercism, gradescope, junit, lms, nbgrader, otter
from grader.exports.checks import unfinished
from grader.exports.folder import handed_in
from grader.files import write_whole
from grader.report import Report
from grader.submission import CannotRun

if TYPE_CHECKING:
    from grader.gradebook import Standing

QUICK = click.option("--quick", is_flag=True, help="Single faults only, no pairs: no gold points.")
NUMBER = click.argument("exercise", type=click.IntRange(min(EXERCISES), max(EXERCISES)))


@click.group("export")
def export() -> None:
    """Write results and tests for other systems.

    Results, of a FILE that is graded for it (or of the report that `saga-lab grade --json` wrote, when FILE
    ends in .json; or of a folder with one submission in it). They are written whatever the verdict, and the
    exit code is 0 then. With --out the file holds a valid result from the first second: until the grading
    has come to its end it says that it did not.

    \b
    saga-lab export gradescope exercise1_ecommerce_order.py --out results.json
    saga-lab export junit exercise1_ecommerce_order.py --out report.xml

    Marks of a class, of what grade-all keeps in a gradebook: `canvas`, `moodle`.

    Assignments, of an EXERCISE by its number:

    \b
    saga-lab export autograder 1 exercise1.zip       # upload it to Gradescope
    saga-lab export nbgrader 1 course/               # then: nbgrader generate_assignment exercise1
    saga-lab export otter 1 tests/exercise1.py       # then: otter generate
    """


def _of_a_report(name: str, help: str, render: Callable[[Report], str]) -> None:
    """Add the command that grades, and writes a result as `render` puts it."""

    @export.command(name, help=help)
    @click.argument("file", type=FILE)
    @EXERCISE
    @QUICK
    @click.option("--out", type=FILE, help="Write it here; default: print it.")
    def command(file: Path, exercise: int | None, quick: bool, out: Path | None) -> None:
        if out is not None:
            write_whole(out, render(unfinished(exercise, file.name)))
        _tell(render(_report(file, exercise, quick)), out)


_of_a_report(
    "gradescope",
    """Write results.json for Gradescope.

    One test for each promise, with its points and what is told when it breaks. `saga-lab export
    autograder` makes the zip that calls this.

    \b
    saga-lab export gradescope /autograder/submission -e 1 --out /autograder/results/results.json
    """,
    gradescope.results,
)
_of_a_report(
    "junit",
    """Write JUnit XML for GitLab, Jenkins and others.

    A broken promise is a failure, what could not be judged an error, what waits for an earlier failure is
    skipped. Points are properties of each test case, their sums of the suite. The same report makes the
    same bytes.
    """,
    junit.xml,
)
_of_a_report(
    "exercism",
    """Write results.json as Exercism's test runners do.

    Version 3 of its interface, which knows no points.

    \b
    saga-lab export exercism /solution -e 1 --out /output/results.json
    """,
    exercism.results,
)


@export.command("classroom")
@click.argument("file", type=FILE)
@EXERCISE
@QUICK
def classroom_command(file: Path, exercise: int | None, quick: bool) -> None:
    """Print the result of a GitHub Classroom step.

    Append it to the step's outputs; its grading reporter reads them. It is one line at once, which says
    that grading came to no end, and another after it, which counts when there is one.

    \b
    - id: saga
      run: saga-lab export classroom exercise1_ecommerce_order.py >> "$GITHUB_OUTPUT"
    - uses: classroom-resources/autograding-grading-reporter@v1
      if: always()
      env:
        SAGA_RESULTS: ${{ steps.saga.outputs.result }}
      with:
        runners: saga
    """
    click.echo(classroom.result(unfinished(exercise, file.name)), nl=False)
    click.echo(classroom.result(_report(file, exercise, quick)), nl=False)


@export.command("autograder")
@NUMBER
@click.argument("archive", type=FILE)
def autograder_command(exercise: int, archive: Path) -> None:
    """Make the autograder of an exercise for Gradescope.

    ARCHIVE is the zip to upload. It holds this project without its solutions. Gradescope installs it once,
    with a network; grading needs none. There is a valid result from the first second on, so that nobody
    gets a page without one.

    \b
    saga-lab export autograder 1 exercise1.zip
    """
    with plainly():
        archive.write_bytes(gradescope.autograder(EXERCISES[exercise]))
    click.echo(
        f"Written: {archive}. Next: upload it, and give the exercise {EXERCISES[exercise].max_points} points."
    )


@export.command("nbgrader")
@NUMBER
@click.argument("course", type=FILE)
def nbgrader_command(exercise: int, course: Path) -> None:
    """Put an exercise into a course of nbgrader.

    COURSE is its folder. The notebook goes to source/exerciseN/, with the cell to solve, and a locked cell
    that grades the notebook's file and is worth all points. Saga Lab must be installed where nbgrader's
    kernels run. Nothing that is there is overwritten.

    \b
    saga-lab export nbgrader 1 course/
    cd course && nbgrader generate_assignment exercise1
    nbgrader autograde exercise1

    A kernel is no boundary: a learner who puts a cell before the locked one can make it say anything.
    Compare with `saga-lab grade`, which judges from outside.
    """
    with plainly():
        click.echo("\n".join(nbgrader.course(EXERCISES[exercise], course)))


@export.command("otter")
@NUMBER
@click.argument("out", type=FILE)
def otter_command(exercise: int, out: Path) -> None:
    """Make the tests of an exercise for otter-grader.

    OUT is the test file: exerciseN.py, in the folder of the tests. It has a case for every promise and
    medal. Saga Lab must be installed where otter runs.

    \b
    saga-lab export otter 1 tests/exercise1.py
    otter generate -t tests
    """
    if out.stem != f"exercise{exercise}":
        raise click.UsageError(f"otter finds tests by name, so call the file exercise{exercise}.py.")
    out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(out, otter.tests(EXERCISES[exercise]))
    click.echo(f"Written: {out}")


@export.command("canvas")
@GRADEBOOK
@click.option("--out", type=FILE, help="Write it here; default: print it.")
def canvas_command(gradebook: str, out: Path | None) -> None:
    """Write the marks of a class for Canvas.

    A CSV to import there: one row a learner, by the ids of the gradebook, which are to be the SIS ids; one
    column an exercise. It says what counts: the best attempt, less what lateness costs, or a teacher's word.
    What is not graded yet, or by an error of the grader's own could not be, is left empty.

    \b
    saga-lab export canvas --out canvas.csv
    """
    _tell(lms.canvas(_marks(gradebook)), out)


@export.command("moodle")
@GRADEBOOK
@click.option("--out", type=FILE, help="Write it here; default: print it.")
def moodle_command(gradebook: str, out: Path | None) -> None:
    """Write the marks of a class for Moodle, and others.

    A CSV to import there: one row a learner, by the id of the gradebook; one column an exercise. It says
    what counts, as `saga-lab export canvas` does.

    \b
    saga-lab export moodle --out moodle.csv
    """
    _tell(lms.moodle(_marks(gradebook)), out)


def _marks(url: str) -> list[lms.Mark]:
    """What counts, by learner and exercise."""
    from grader.gradebook import Gradebook

    with plainly():
        book = Gradebook(url)
        learners, standings = book.learners(), book.standing()
        book.close()
    names = {learner.id: learner.name for learner in learners}
    unknown = [lms.Mark(learner, name, 0, None) for learner, name in names.items()]
    return unknown + [
        lms.Mark(x.learner, names[x.learner], x.exercise, x.counted if _is_known(x) else None)
        for x in standings
    ]


def _is_known(standing: Standing) -> bool:
    graded = standing.attempt is not None and standing.verdict != "grader error"
    return graded or standing.override is not None


def _tell(text: str, out: Path | None) -> None:
    if out is None:
        click.echo(text, nl=False)
    else:
        write_whole(out, text)


def _report(file: Path, exercise: int | None, quick: bool) -> Report:
    """The report of a file, of the one file in a folder, or one that was written before."""
    if file.suffix == ".json":
        return _read(file)
    try:
        path = handed_in(file, exercise) if file.is_dir() else file
    except CannotRun as problem:
        return Report(exercise or 0, _title(exercise), file.name, "not run", problem=str(problem))
    progress = Bar()
    report = graded(exercise, path, quick=quick, patient=True, progress=progress)
    progress.done()
    return report


def _read(file: Path) -> Report:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Report)
    except (OSError, msgspec.DecodeError) as error:
        raise click.UsageError(
            f"{file} is no report ({error}). `saga-lab grade FILE --json` writes one."
        ) from None


def _title(exercise: int | None) -> str:
    return EXERCISES[exercise].title if exercise in EXERCISES else ""
