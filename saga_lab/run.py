"""A handle on one saga: its history, its state, its result."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from saga_lab import events as e
from saga_lab.errors import CompensationFailed, NotDeterministic, Refused, StepFailed
from saga_lab.fold import Record, State, fold
from saga_lab.values import from_json, result_type

if TYPE_CHECKING:
    from saga_lab.engine import Engine


class Run:
    """A handle on one saga, running here, elsewhere, or no more."""

    def __init__(self, id: str, engine: Engine) -> None:
        self.id = id
        self._engine = engine
        self._life = engine.life(id)

    @property
    def events(self) -> Sequence[e.Event]:
        """The journal so far."""
        return self._engine.journal.read(self.id)

    @property
    def state(self) -> State:
        return fold(self.events).state

    async def result(self) -> Any:
        """Wait for the end; give what the saga returned, or raise what left it.

        Ends too when the saga is STUCK, with what is known by then. Cancelling the wait cancels
        nothing else.
        """
        while True:
            if self._life is not None:
                await self._life.ended()
                if self._life.error is not None:
                    raise self._life.error
            events = self.events
            if isinstance(events[-1], e.Returned):
                return from_json(events[-1].value, self._type(events))
            record = fold(events)
            if record.state.at_rest:
                raise _error(record)
            await self._engine.adopt(self.id)  # its worker may be gone
            self._life = self._engine.life(self.id)
            if self._life is None:
                await self._engine.clock.sleep(1)

    def _type(self, events: Sequence[e.Event]) -> Any:
        started = events[0]
        function = self._engine.function(started.saga) if isinstance(started, e.Started) else None
        return Any if function is None else result_type(function)


def _error(record: Record) -> BaseException:
    """What to raise for a saga that ended in another process, or cannot go on."""
    if isinstance(record.result, e.Raised):
        return _rebuilt(record.result)
    assert record.stuck is not None
    if record.stuck.why == "not deterministic":
        return NotDeterministic(record.stuck.reason)
    return CompensationFailed([], RuntimeError(record.stuck.reason))


def _rebuilt(raised: e.Raised) -> Exception:
    """The recorded exception, made again after a restart: same type, text, step, key and attempts."""
    module, _, name = raised.kind.partition(":")
    kind: Any = sys.modules.get(module)
    for part in name.split("."):
        kind = getattr(kind, part, None)
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        kind = RuntimeError
    error: Exception = kind.__new__(kind)
    error.args = (raised.reason,)
    if isinstance(error, StepFailed):
        StepFailed.__init__(error, raised.reason, step=raised.step, key=raised.key, attempts=raised.attempts)
    if isinstance(error, Refused):
        error.code = raised.code
    if isinstance(error, CompensationFailed):
        error.failures, error.original = [], None
    return error
