"""The gradebook: every attempt of every learner, its verdict, and what counts in the end."""

from grader.gradebook.book import Gradebook
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
from grader.gradebook.standing import Standing, stand

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
    "stand",
]
