"""A small saga engine: several services agree without a shared transaction.

A saga is an async function of a `SagaContext`, a request and services. An `Engine` runs it over a
journal, so that it ends the same whatever crashes.
"""

from typing import TYPE_CHECKING, Any

from saga_lab.breaker import Breaker
from saga_lab.bulkhead import Bulkhead
from saga_lab.context import Lookup, SagaContext
from saga_lab.definition import Saga, Step
from saga_lab.engine import Engine
from saga_lab.errors import (
    Cancelled,
    CompensationFailed,
    Conflict,
    InDoubt,
    NotDeterministic,
    PivotPassed,
    Refused,
    StepFailed,
    Suspended,
    TimedOut,
    Unavailable,
)
from saga_lab.explain import explain
from saga_lab.fold import State, fold
from saga_lab.journals import JournalError, MemoryJournal
from saga_lab.retry import Retry
from saga_lab.run import Run

if TYPE_CHECKING:
    from saga_lab.journals.sql import SqlJournal

__all__ = [
    "Breaker",
    "Bulkhead",
    "Cancelled",
    "CompensationFailed",
    "Conflict",
    "Engine",
    "InDoubt",
    "JournalError",
    "Lookup",
    "MemoryJournal",
    "NotDeterministic",
    "PivotPassed",
    "Refused",
    "Retry",
    "Run",
    "Saga",
    "SagaContext",
    "SqlJournal",
    "State",
    "Step",
    "StepFailed",
    "Suspended",
    "TimedOut",
    "Unavailable",
    "explain",
    "fold",
]


def __getattr__(name: str) -> Any:
    """Load `SqlJournal` when it is first asked for: SQLAlchemy takes longer to load than all the rest."""
    if name != "SqlJournal":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from saga_lab.journals.sql import SqlJournal

    return SqlJournal


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
