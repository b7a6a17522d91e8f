"""The gradebook: every attempt of every learner, its verdict, and what counts in the end."""

from grader.gradebook.book import Gradebook
from grader.gradebook.keys import is_teacher, issue_teacher
from grader.gradebook.records import (
    Attempt,
    Deadline,
    GradebookError,
    InUse,
    Learner,
    Override,
    State,
    Unknown,
)
from grader.gradebook.standing import Standing, days_late, due, stand

__all__ = [
    "Attempt",
    "Deadline",
    "Gradebook",
    "GradebookError",
    "InUse",
    "Learner",
    "Override",
    "Standing",
    "State",
    "Unknown",
    "days_late",
    "due",
    "is_teacher",
    "issue_teacher",
    "stand",
]
