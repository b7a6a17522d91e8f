"""Grade a whole class: one folder per learner, in parallel, each result kept as soon as it is there."""

from grader.batch.folder import (
    BadFolder,
    HandedIn,
    NoCluster,
    anonymous,
    folder_of_a_class,
    handed_in,
    key_in,
)
from grader.batch.grading import (
    GRADER_ERROR,
    How,
    end_with_parent,
    grade_all,
    graded,
    grader_error,
    local_processes,
    this_process,
)
from grader.batch.taking import Taken, stale, take
from grader.batch.writing import write_csv, write_report

__all__ = [
    "GRADER_ERROR",
    "BadFolder",
    "HandedIn",
    "How",
    "NoCluster",
    "Taken",
    "anonymous",
    "end_with_parent",
    "folder_of_a_class",
    "grade_all",
    "graded",
    "grader_error",
    "handed_in",
    "key_in",
    "local_processes",
    "stale",
    "take",
    "this_process",
    "write_csv",
    "write_report",
]
