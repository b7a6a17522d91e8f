"""One report of every verdict, as plain data: exports are made from nothing else."""

from __future__ import annotations

from msgspec.structs import replace

from grader.exercises import EXERCISES
from grader.report import Cause, Judged, Report, Scenarios, Verdict

EXERCISE = EXERCISES[1]
FILE = "exercise1_ecommerce_order.py"
EVIL = "paid \x1b[31m1 < 2 & \x00 \ud83d ]]> é ✗\r\n"
"""What a learner's code can put into a message."""
CAUSE = Cause(
    token="payments.charge:lost*",
    status="failed",
    faults="the reply is lost",
    expected="failed promises no net charge",
    observed=f"failed, and {EVIL}",
    why="A lost reply is not a no.",
    story=(" 1 payments.charge  done, reply lost   <- fault", f" 2 returned {EVIL}"),
    again=f'saga-lab replay {FILE} "payments.charge:lost*"',
)


def judged(**verdicts: Verdict) -> tuple[Judged, ...]:
    """Every promise of exercise 1: passed at gold, but for those that are named (`E1_S1="fail"`)."""
    found = []
    for x in EXERCISE.rules.invariants:
        verdict = verdicts.get(x.id.replace("-", "_"), verdicts.get("others", "pass"))
        points = {"pass": 3, "fail": 1}.get(verdict, 0) * x.points
        causes = (CAUSE,) if verdict == "fail" else ()
        found.append(Judged(x.id, x.promise, verdict, points, 3 * x.points, x.notebook, causes))
    return tuple(found)


def report(verdict: Verdict, **verdicts: Verdict) -> Report:
    """A report on a file of exercise 1."""
    invariants = judged(**verdicts)
    return Report(
        exercise=1,
        title=EXERCISE.title,
        file=FILE,
        verdict=verdict,
        medal="gold" if verdict == "pass" else None,
        points=sum(x.points for x in invariants),
        max_points=sum(x.max_points for x in invariants),
        scenarios=Scenarios(100, 100, 0, 3),
        depth=2,
        invariants=invariants,
        warnings=("order_saga is defined twice.",),
    )


REPORTS = {
    "pass": report("pass"),
    "fail": report("fail", E1_S1="fail", E1_S3="fail", S_3="not run"),
    "unknown": report("unknown", E1_S2="unknown", E1_S5="unknown"),
    "nothing put it to the test": report("unknown", E1_S2="not run"),
    "not run": Report(1, EXERCISE.title, FILE, "not run", problem=f"{FILE}:1: Python cannot read {EVIL}."),
    "not run, whatever it is": Report(0, "", "my file.py", "not run", problem="Which exercise is it?"),
    "grader error": Report(1, EXERCISE.title, FILE, "grader error", problem="KeyError: 'x'\n  in the judge"),
    "singles only": replace(
        report("pass"),
        medal="silver",
        depth=1,
        points=44,
        invariants=tuple(replace(x, points=x.points * 2 // 3) for x in judged()),
    ),
}
"""By name; the first words of it are its verdict."""
