"""Scenarios a second in the simulator, and the seconds of a grade: `python benchmarks/simulator.py [ROUNDS]`.

The solutions of the exercises are explored in this process: the single faults, then the pairs that follow
them. What is counted is processor time, the best of some rounds: `world alone` judges nothing, `all rules`
judges every run as the grader does. A grade runs the saga in processes of its own, and is told in seconds on
the clock, so the machine should be quiet.
"""

from __future__ import annotations

import runpy
import sys
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from grader.exercises import EXERCISES, Exercise
from grader.judge import grade
from saga_lab.sim import Exploration, Rules, Trace, Violation, deepening
from saga_lab.worlds.world import World

SOLUTIONS = Path(__file__).parent.parent / "solutions"


class Nothing:
    """Every run is right."""

    def judge(self, trace: Trace, world: type[World]) -> Sequence[Violation]:
        return ()


def best(
    saga: Callable[..., Any], world: type[World], rules: Rules, rounds: int
) -> tuple[list[Exploration], list[float]]:
    """Explore `rounds` times; gives what singles and pairs showed, with the fewest seconds that each took."""
    seconds = []
    for _ in range(rounds):
        clock, found = [time.process_time()], []
        for deeper in deepening(saga, world, rules):
            found.append(deeper)
            clock.append(time.process_time())
        seconds.append([after - before for before, after in pairwise(clock)])
    return found, [min(times) for times in zip(*seconds, strict=True)]


def graded(exercise: Exercise, quick: bool) -> float:
    """Seconds on the clock for a grade of its solution."""
    began = time.perf_counter()
    grade(exercise.number, SOLUTIONS / f"{exercise.module}.py", quick=quick)
    return time.perf_counter() - began


def main(rounds: int) -> None:
    counts = ("exist", "ran", "left out")
    table = Table("exercise", "", *counts, "world alone", "all rules", "grade, s", title="Scenarios a second")
    for exercise in EXERCISES.values():
        saga = runpy.run_path(str(SOLUTIONS / f"{exercise.module}.py"))[exercise.function]
        found, bare = best(saga, exercise.world, Nothing(), rounds)
        _, judged = best(saga, exercise.world, exercise.rules, rounds)
        before = 0
        for name, told, *times in zip(("singles", "and pairs"), found, bare, judged, strict=True):
            speeds = (f"{(told.ran - before) / seconds:,.0f}" for seconds in times)
            numbers = (f"{count:,}" for count in (told.exist, told.ran, sum(told.pruned.values())))
            took = graded(exercise, quick=told.depth == 1)
            table.add_row(str(exercise.number), name, *numbers, *speeds, f"{took:.1f}")
            before = told.ran
    Console().print(table)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
