"""A course that is being served: its gradebook, who grades, and who wants to hear of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from grader.course.limits import Allowance
from grader.course.live import News
from grader.course.workers import Workers
from grader.gradebook import Gradebook


@dataclass
class Course:
    """What every request needs; `base`: the path under which a proxy shows it, "" for none."""

    book: Gradebook
    workers: Workers
    news: News
    allowance: Allowance
    base: str = ""
    now: Callable[[], float] = time.time


def when(seconds: float) -> str:
    """A time for people: `2026-11-25 03:48 UTC`."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
