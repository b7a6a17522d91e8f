"""How many scenarios a second the simulator plays: `python benchmarks/simulator.py [ROUNDS]`.

The solutions of the exercises are explored in this process. What is counted is processor time, the best of
some rounds: `world alone` judges nothing, `all rules` judges every run as the grader does.
"""

from __future__ import annotations

import runpy
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from grader.exercises import EXERCISES
from saga_lab.sim import Exploration, Rules, Trace, Violation, explore
from saga_lab.worlds.world import World

SOLUTIONS = Path(__file__).parent.parent / "solutions"
DEPTHS = {1: "singles", 2: "pairs"}


class Nothing:
    """Every run is right."""

    def judge(self, trace: Trace, world: type[World]) -> Sequence[Violation]:
        return ()


def best(
    saga: Callable[..., Any], world: type[World], rules: Rules, depth: int, rounds: int
) -> tuple[Exploration, float]:
    """Explore `rounds` times; gives the last exploration, with the fewest seconds that one took."""
    seconds = []
    for _ in range(rounds):
        began = time.process_time()
        found = explore(saga, world, rules, depth)
        seconds.append(time.process_time() - began)
    return found, min(seconds)


def main(rounds: int) -> None:
    table = Table(
        "exercise", "", "exist", "ran", "left out", "world alone", "all rules", title="Scenarios a second"
    )
    for number, exercise in EXERCISES.items():
        saga = runpy.run_path(str(SOLUTIONS / f"{exercise.module}.py"))[exercise.function]
        for depth, name in DEPTHS.items():
            found, bare = best(saga, exercise.world, Nothing(), depth, rounds)
            _, judged = best(saga, exercise.world, exercise.rules, depth, rounds)
            left_out = sum(found.pruned.values())
            speeds = (f"{found.ran / seconds:,.0f}" for seconds in (bare, judged))
            table.add_row(str(number), name, f"{found.exist:,}", f"{found.ran:,}", f"{left_out:,}", *speeds)
    Console().print(table)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
