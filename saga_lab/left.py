"""What left a saga function: written down, and made again in another process."""

from __future__ import annotations

import sys
from typing import Any

from saga_lab import events as e
from saga_lab.errors import CompensationFailed, Refused, StepFailed
from saga_lab.fold import Record
from saga_lab.incarnation import Incarnation
from saga_lab.undoing import failure

_LONGEST_CHAIN = 8


def told(saga: Incarnation, error: BaseException, depth: int = 1) -> e.Raised:
    """An exception as plain data, with what it was raised from."""
    cause = error.__cause__
    chained = None if cause is None or depth == _LONGEST_CHAIN else told(saga, cause, depth + 1)
    kind = f"{type(error).__module__}:{type(error).__qualname__}"
    if isinstance(error, StepFailed):
        code = error.code if isinstance(error, Refused) else ""
        return saga.new(e.Raised, kind, error.reason, error.step, error.key, error.attempts, code, chained)
    # An exception of one word shows it in its own way, as KeyError does.
    reason = str(error.args[0]) if len(error.args) == 1 else str(error)
    return saga.new(e.Raised, kind, reason, "", "", 0, "", chained)


def made_again(raised: e.Raised, record: Record) -> Exception:
    """The recorded exception after a restart: same type, text, step, key, attempts and cause."""
    module, _, name = raised.kind.partition(":")
    kind: Any = sys.modules.get(module)
    for part in name.split("."):
        kind = getattr(kind, part, None)
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        kind = RuntimeError
    error: Exception = kind.__new__(kind)
    error.args = (raised.reason,)
    error.__cause__ = None if raised.cause is None else made_again(raised.cause, record)
    if isinstance(error, StepFailed):
        StepFailed.__init__(error, raised.reason, step=raised.step, key=raised.key, attempts=raised.attempts)
    if isinstance(error, Refused):
        error.code = raised.code
    if isinstance(error, CompensationFailed):
        undos = {undo.key: undo for undo in (*record.stuck_undos, *record.told.values())}
        error.failures = [failure(undo) for undo in undos.values()]
        error.original = error.__cause__
    return error
