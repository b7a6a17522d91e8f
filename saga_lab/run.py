"""A handle on one saga: its history, its state, its result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from saga_lab import events as e
from saga_lab.errors import CompensationFailed, NotDeterministic
from saga_lab.fold import Record, State, fold
from saga_lab.left import made_again
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
            life = self._life = self._engine.life(self.id) or self._life
            if life is not None:
                await life.ended()
            written = [] if life is None else life.saga.events
            # What was returned here stands, and need not be read again.
            events = written if written and isinstance(written[-1], e.Returned) else self.events
            if life is not None and life.error is not None:
                since = events[len(written) :]
                if not any(isinstance(event, e.Released) for event in since):
                    try:
                        raise life.error
                    finally:
                        del self, life  # the traceback holds this frame, and so they would hold each other
            if isinstance(last := events[-1], e.Returned):
                return from_json(last.value, self._type(events))
            record = fold(events)
            if record.over:
                raise _error(record)
            await self._engine.adopt(self.id)  # its worker may be gone
            if self._engine.life(self.id) is None:
                await self._engine.clock.sleep(1)

    def _type(self, events: Sequence[e.Event]) -> Any:
        started = events[0]
        function = self._engine.function(started.saga) if isinstance(started, e.Started) else None
        return Any if function is None else result_type(function)


def _error(record: Record) -> BaseException:
    """What to raise for a saga that ended in another process, or cannot go on."""
    if isinstance(record.result, e.Raised):
        return made_again(record.result, record)
    assert record.stuck is not None
    if record.stuck.why == "not deterministic":
        return NotDeterministic(record.stuck.reason)
    return CompensationFailed([], RuntimeError(record.stuck.reason))
