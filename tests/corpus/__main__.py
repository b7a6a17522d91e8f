"""Judge the whole corpus and every mutant, on all cores; the table tells how often the grader is wrong.

    python -m tests.corpus [--singles] [--exercise N]

Exits with 1 when a right submission is rejected, a wrong one is accepted or rejected by a promise that is
not its own, fewer than 95 % of the mutants die, or one survives without a reason.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor

from grader.exercises import EXERCISES
from tests.corpus.classifier import (
    Outcome,
    corpus,
    judge_mutant,
    judge_right,
    judge_wrong,
    made,
    number,
    solution,
    survivors,
)

LEAST = 0.95
HEAD = (
    "            right            wrong                 mutants                             pairs\n"
    "exercise  accepted rejected   own other accepted   killed equivalent gap unexplained   killed of"
    "   scenarios seconds"
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.corpus")
    parser.add_argument("--singles", action="store_true", help="try single faults only, no pairs")
    parser.add_argument("--exercise", type=int, choices=EXERCISES, help="this exercise alone")
    options = parser.parse_args()
    exercises = [options.exercise] if options.exercise else list(EXERCISES)
    began = time.monotonic()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        running = [job for exercise in exercises for job in _jobs(pool.submit, exercise, options.singles)]
        outcomes = [job.result() for job in running]
    print(HEAD)
    problems = [
        problem
        for exercise in exercises
        for problem in _row(exercise, [x for x in outcomes if x.exercise == exercise], options.singles)
    ]
    depth = "single faults" if options.singles else "single faults, and all pairs for what passes them"
    print(f"\n{len(outcomes)} programs, {depth}: {time.monotonic() - began:.0f} s on {os.cpu_count()} cores")
    print("\n".join(problems) or "No error.")
    return 1 if problems else 0


def _jobs(submit: Callable[..., Future[Outcome]], exercise: int, singles: bool) -> Iterator[Future[Outcome]]:
    for path in [solution(exercise), *(path for path in corpus("right") if number(path) == exercise)]:
        yield submit(judge_right, exercise, path, singles)
    for path in corpus("wrong"):
        if number(path) == exercise:
            yield submit(judge_wrong, path)
    for kind, programs in made(exercise).items():
        for mutant in programs:
            yield submit(judge_mutant, exercise, kind, mutant, singles)


def _row(exercise: int, outcomes: list[Outcome], singles: bool) -> list[str]:
    """Print one line of the table; gives what is wrong."""

    def count(kind: str, verdict: str) -> int:
        return sum((x.kind, x.verdict) == (kind, verdict) for x in outcomes)

    told = survivors(exercise, singles)
    alive = {x.name for x in outcomes if x.kind in ("mutant", "pair") and not x.right}
    reasons = [told.get(name, ("", ""))[0] for name in sorted(alive)]
    killed, equivalent = count("mutant", "rejected"), reasons.count("equivalent")
    gaps = reasons.count("gap") + reasons.count("pairs")
    print(
        f"{exercise:>8}{count('right', 'accepted'):>10}{count('right', 'rejected'):>9}"
        f"{count('wrong', 'own'):>6}{count('wrong', 'other'):>6}{count('wrong', 'accepted'):>9}"
        f"{killed:>9}{equivalent:>11}{gaps:>4}{reasons.count(''):>12}"
        f"{count('pair', 'rejected'):>9}{sum(x.kind == 'pair' for x in outcomes):>4}"
        f"{sum(x.scenarios for x in outcomes):>11}{sum(x.seconds for x in outcomes):>8.0f}"
    )
    problems = [
        f"exercise {exercise}: {x.kind} {x.name!r} is {x.verdict}: {x.detail}"
        for x in outcomes
        if not x.right and x.name not in told
    ]
    problems += [
        f"exercise {exercise}: {name!r} does not survive, strike it from survivors.txt"
        for name in told
        if name not in alive
    ]
    mortal = killed + gaps + reasons.count("")
    if killed < LEAST * mortal:
        problems.append(f"exercise {exercise}: only {killed} of {mortal} mutants die")
    return problems


if __name__ == "__main__":
    sys.exit(main())
