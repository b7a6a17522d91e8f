"""Hints: three steps for the first cause of a failure, one at a time, and never the answer.

A question first, then the idea and where it is taught, then the failing run with its turning point.
"""

from __future__ import annotations

from grader.exercises import EXERCISES
from grader.judge import grade
from grader.message import Failure, failures
from grader.report import Report
from grader.verdicts import Function

STEPS = 3
QUESTIONS = {
    "S-0": "Who reads this status acts on it. What would they find in the services?",
    "S-1": "When the same call is made a second time, how can the service know that it is the same?",
    "S-2": "Which request may still be on its way when you return, and what stops it for good?",
    "S-3": "What rests on what you take back here? Is that gone already?",
    "S-4": "When you had turned round, why did you go forward again?",
    "S-7": "What would have to change for this service to say yes the next time?",
    "S-8": "Who learns of it if you keep asking for ever?",
    "S-9": "At this point, which of your steps may have happened, whatever you were told?",
    "S-10": "What does your code decide by that is not in the journal?",
    "H-1": "If this run were the first of a new process, what would your code not know?",
    "H-2": "Which words and numbers of your code would be wrong for the next customer?",
    "L-1": "When this fails for good, what does the caller get from you?",
    "L-2": "Who finishes what you could not, and how do they find it?",
    "L-3": "Who knows of what still stands here?",
    "L-4": "Would the next attempt have gone through?",
}
_shown: dict[tuple[str, str, str], int] = {}


def steps(report: Report) -> tuple[str, ...]:
    """The hints for the first failure, in order; none when nothing failed."""
    told = failures(report)
    return _steps(report, told[0]) if told else ()


def _steps(report: Report, one: Failure) -> tuple[str, ...]:
    judged, cause = one.judged, one.cause
    promise = judged.promise[:1].upper() + judged.promise[1:]
    asked = QUESTIONS.get(judged.id, f"{promise}. On every way out of your function?")
    # The reason of the promise itself: the one that fits this story may give too much away.
    why = EXERCISES[report.exercise].rules[judged.id].why
    return (
        f"1 of 3. {asked}",
        f"2 of 3. {why} Notebook {judged.notebook} shows it.",
        "\n".join([f"3 of 3. {cause.faults[:1].upper()}{cause.faults[1:]}.", *cause.story]),
    )


def hint(saga: Function) -> str:
    """The next hint for a saga in a notebook: a step further at each call, until its cause is mended."""
    report = grade(saga, quick=True)
    told = failures(report)
    if not told:
        return report.problem or "Nothing failed in the single faults. Grade it for all pairs."
    one = told[0]
    cause = (report.file, one.judged.id, one.cause.token)
    step = _shown[cause] = min(_shown.get(cause, 0) + 1, STEPS)
    return _steps(report, one)[step - 1]
