"""The board: six exercises, their medals, and what to do next; in a terminal and in a notebook."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path

from grader.exercises import EXERCISES, Exercise
from grader.progress import Reached, read
from grader.report import MEDALS
from grader.workbook import usual

GLYPHS = {"bronze": "▲", "silver": "◆", "gold": "★"}
NOT_YET = "·"


@dataclass(frozen=True)
class Board:
    """What was reached, by exercise. `str` for a terminal; a notebook shows it as a table."""

    reached: dict[int, Reached]

    @property
    def next(self) -> str:
        """What to do now."""
        for exercise in EXERCISES.values():
            got = self.reached.get(exercise.number)
            if got is None:
                return f"Next: {exercise.module}.ipynb"
            if got.medal is None:
                return f"Next: saga-lab hint {exercise.module}.py"
            if got.medal != MEDALS[-1]:
                return f"Next: saga-lab grade {exercise.module}.py, until it is gold"
        return "All is gold. Next: break somebody else's saga."

    def __str__(self) -> str:
        rows = [_cells(exercise, self.reached.get(exercise.number)) for exercise in EXERCISES.values()]
        wide = max(len(title) for _, title, *_ in rows)
        lines = [
            f"{medals}  {title:<{wide}}  {points:>7}  {told}".rstrip() for medals, title, points, told in rows
        ]
        legend = ", ".join(f"{GLYPHS[medal]} {medal}" for medal in MEDALS)
        return "\n".join([*lines, "", legend, self.next])

    def _repr_html_(self) -> str:
        rows = "".join(_row("td", _cells(x, self.reached.get(x.number))) for x in EXERCISES.values())
        head = _row("th", ("Medals", "Exercise", "Points", ""))
        return f"<table>{head}{rows}</table><p>{html.escape(self.next)}</p>"


def board(folder: Path | str | None = None) -> Board:
    """The board of a working copy; by default of the one that this is run in."""
    return Board(read(usual() if folder is None else Path(folder)))


def _cells(exercise: Exercise, got: Reached | None) -> tuple[str, str, str, str]:
    if got is None:
        return NOT_YET * len(MEDALS), exercise.title, "", "not graded yet"
    rank = 0 if got.medal is None else MEDALS.index(got.medal) + 1
    medals = "".join(GLYPHS[medal] if place < rank else NOT_YET for place, medal in enumerate(MEDALS))
    told = got.medal or "no medal yet"
    return medals, exercise.title, f"{got.points}/{got.max_points}", told


def _row(tag: str, cells: tuple[str, ...]) -> str:
    return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"
