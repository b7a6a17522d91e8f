"""What a journal says: the pure fold from events to a record of the saga."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from saga_lab import events as e


class State(StrEnum):
    """Where a saga stands. The last two are terminal."""

    RUNNING = "RUNNING"
    WAITING = "WAITING"
    COMPENSATING = "COMPENSATING"
    STUCK = "STUCK"
    COMPLETED = "COMPLETED"
    COMPENSATED = "COMPENSATED"

    @property
    def terminal(self) -> bool:
        return self in (State.COMPLETED, State.COMPENSATED)

    @property
    def at_rest(self) -> bool:
        """Nothing more will happen by itself."""
        return self.terminal or self is State.STUCK


@dataclass(slots=True)
class StepRecord:
    """One occurrence of a step. `order` is the place of its intent in the journal."""

    begun: e.StepBegun
    order: int
    ended: e.StepEnded | None = None

    @property
    def may_stand(self) -> bool:
        """Done or in doubt: as far as this step knows, its effect may be in the world."""
        return self.ended is None or self.ended.outcome in ("done", "in doubt")


@dataclass(slots=True)
class Record:
    """A saga as its journal tells it. Also the memory from which a replay answers."""

    started: e.Started | None = None
    steps: dict[tuple[str, int], StepRecord] = field(default_factory=dict)
    attempts: dict[tuple[e.Part, str, int], e.AttemptFailed] = field(default_factory=dict)
    undoing: bool = False
    undos: dict[str, e.UndoEnded | None] = field(default_factory=dict)
    timers: dict[str, e.TimerSet] = field(default_factory=dict)
    fired: set[str] = field(default_factory=set)
    waits: dict[str, e.PromiseAwaited] = field(default_factory=dict)
    answers: dict[str, e.PromiseAnswered | e.PromiseTimedOut] = field(default_factory=dict)
    notes: dict[str, float] = field(default_factory=dict)
    letters: list[e.Parked] = field(default_factory=list)
    cancel_asked: bool = False
    cancel_raised: set[str] = field(default_factory=set)
    recoveries: int = 0
    result: e.Returned | e.Raised | None = None
    stuck: e.Stuck | None = None
    heading: State = State.RUNNING

    @property
    def stuck_undos(self) -> list[e.UndoEnded]:
        return [ended for ended in self.undos.values() if ended is not None and ended.stuck]

    @property
    def standing(self) -> list[StepRecord]:
        """Steps that may still have their effect in the world, as far as the kernel knows."""
        return [step for step in self.steps.values() if step.may_stand and not self._undone(step.begun.key)]

    @property
    def pivot(self) -> StepRecord | None:
        """The pivot whose intent is written, unless it is known not to be done."""
        return next((step for step in self.steps.values() if step.begun.pivot and step.may_stand), None)

    @property
    def state(self) -> State:
        if self.stuck or self.stuck_undos:
            return State.STUCK
        if self.result:
            stands = any(step.begun.undo for step in self.standing)
            return State.COMPENSATED if self.undoing and not stands else State.COMPLETED
        if self.heading is State.RUNNING and self._waiting:
            return State.WAITING
        return self.heading

    def to_be_asked(self) -> set[tuple[str, ...]]:
        """What a replay has to ask for before anything new may happen."""
        steps = {("step", name, str(nth)) for name, nth in self.steps}
        undos, sleeps = {("undo", key) for key in self.undos}, {("sleep", mark) for mark in self.timers}
        return steps | undos | sleeps | {("promise", mark) for mark in self.waits}

    @property
    def _waiting(self) -> bool:
        """It waits for a timer or an answer, and for no service."""
        timers = any(mark not in self.fired for mark in self.timers)
        waits = any(wait.name not in self.answers for wait in self.waits.values())
        return (timers or waits) and all(step.ended for step in self.steps.values())

    def _undone(self, key: str) -> bool:
        ended = self.undos.get(key)
        return ended is not None and not ended.stuck


def fold(events: Iterable[e.Event]) -> Record:
    """Read a journal from its first event to its last. Pure: the same events give the same record."""
    record = Record()
    for order, event in enumerate(events):
        _take(record, order, event)
        if isinstance(event, e.Recovered):
            record.recoveries += 1
        elif isinstance(event, PROGRESS):
            record.recoveries = 0
    return record


PROGRESS = (e.StepEnded, e.UndoEnded, e.TimerFired, e.PromiseAnswered, e.PromiseTimedOut)
"""A worker that dies again and again without one of these in between dies at one place."""


def _take(record: Record, order: int, event: e.Event) -> None:
    match event:
        case e.StepBegun():
            record.steps[event.step, event.nth] = StepRecord(event, order)
            record.heading = State.RUNNING
        case e.StepEnded():
            record.steps[event.step, event.nth].ended = event
        case e.Started():
            record.started = event
        case e.AttemptFailed():
            record.attempts[event.part, event.step, event.nth] = event
        case e.UndoingBegan():
            record.undoing = True
            record.heading = State.COMPENSATING
        case e.UndoBegun():
            record.undos[event.key] = None
            record.heading = State.COMPENSATING
        case e.UndoEnded():
            record.undos[event.key] = event
        case e.TimerSet():
            record.timers[event.mark] = event
        case e.TimerFired():
            record.fired.add(event.mark)
        case e.PromiseAwaited():
            record.waits[event.mark] = event
        case e.PromiseAnswered() | e.PromiseTimedOut():
            record.answers[event.name] = event
        case e.Noted():
            record.notes[event.mark] = event.value
        case e.Parked():
            record.letters.append(event)
        case e.CancelAsked():
            record.cancel_asked = True
        case e.CancelRaised():
            record.cancel_raised.add(event.verb)
        case e.Returned() | e.Raised():
            record.result = event
        case e.Stuck():
            record.stuck = event
