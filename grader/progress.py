"""What a learner has reached, in a text file of the working copy: one line for each id.

A line is `exercise 2  silver  40 of 60`, or `E2-S1  pass`. What this version does not know is kept as it
is, so that no update loses anything; whoever deletes a line forgets what it says.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from grader.files import write_whole
from grader.report import MEDALS, Medal, Report
from grader.workbook import MARK

FILE = "progress.txt"
HEAD = "# What you have reached. saga-lab writes it; saga-lab board shows it."
_EXERCISE = re.compile(r"exercise (\d)  (none|bronze|silver|gold)  (\d+) of (\d+)")


class Reached(Struct, frozen=True):
    """The best that one exercise was graded with."""

    medal: Medal | None
    points: int
    max_points: int


def read(folder: Path) -> dict[int, Reached]:
    """What was reached, by exercise; empty when nothing was graded here."""
    found = {}
    for line in _lines(folder):
        if match := _EXERCISE.fullmatch(line):
            number, medal, points, most = match.groups()
            known = next((x for x in MEDALS if x == medal), None)
            found[int(number)] = Reached(known, int(points), int(most))
    return found


def keep(report: Report, folder: Path) -> None:
    """Write down what a report adds, if the folder is a working copy. The best of an exercise stands."""
    if not (folder / MARK).exists() or not report.max_points:
        return
    before = read(folder).get(report.exercise)
    if before is not None and before.points >= report.points:
        return
    lines = {_id(line): line for line in _lines(folder)}
    told = f"exercise {report.exercise}"
    lines[told] = f"{told}  {report.medal or 'none'}  {report.points} of {report.max_points}"
    lines.update({x.id: f"{x.id}  {x.verdict}" for x in report.invariants if x.id.startswith("E")})
    with suppress(OSError):  # a folder that cannot be written loses a grade nothing
        write_whole(folder / FILE, "\n".join([HEAD, *sorted(lines.values())]) + "\n")


def _id(line: str) -> str:
    return line.partition("  ")[0]


def _lines(folder: Path) -> list[str]:
    try:
        text = (folder / FILE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return []
    return [line for line in text.splitlines() if line and not line.startswith("#")]
