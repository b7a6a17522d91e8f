"""What a journal says: the pure fold from events to a record of the saga."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

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


Asked = tuple[str, ...]
"""What a saga function asks for: `("step", name, nth)`, `("undo", key)`, `("sleep" or "promise", mark)`."""


class StepRecord(Struct):
    """One occurrence of a step. `order` is the place of its intent in the journal.

    `since`: when its budget began, in seconds. `released`: how it had ended before a person let it be tried
    again.
    """

    begun: e.StepBegun
    order: int
    since: float
    ended: e.StepEnded | None = None
    released: e.StepEnded | None = None

    @property
    def may_stand(self) -> bool:
        """Done or in doubt: as far as this step knows, its effect may be in the world."""
        return self.ended is None or self.ended.outcome in ("done", "in doubt")


class Record(Struct):
    """A saga as its journal tells it. Also the memory from which a replay answers.

    `due`: what a replay has to ask for, and where it stands in the journal. `told`: the stuck undos that
    the saga function heard of before they were released. `word`: the result that stands meanwhile.
    """

    started: e.Started | None = None
    steps: dict[tuple[str, int], StepRecord] = {}
    attempts: dict[tuple[e.Part, str, int], e.AttemptFailed] = {}
    due: dict[Asked, int] = {}
    undoing: bool = False
    undos: dict[str, e.UndoEnded | None] = {}
    told: dict[str, e.UndoEnded] = {}
    skipped: dict[str, e.UndoEnded] = {}
    timers: dict[str, e.TimerSet] = {}
    fired: dict[str, e.TimerFired] = {}
    deadlines: dict[str, float] = {}
    waits: dict[str, e.PromiseAwaited] = {}
    answers: dict[str, e.PromiseAnswered | e.PromiseTimedOut] = {}
    notes: dict[str, float] = {}
    versions: dict[str, bool] = {}
    letters: tuple[e.Parked, ...] = ()
    cancel_asked: bool = False
    raised_at: dict[str, e.CancelRaised | e.DeadlinePassed] = {}
    recoveries: int = 0
    result: e.Returned | e.Raised | None = None
    word: e.Returned | e.Raised | None = None
    stuck: e.Stuck | None = None
    heading: State = State.RUNNING

    @property
    def stuck_undos(self) -> list[e.UndoEnded]:
        """The undos that failed for good and are a person's to see to."""
        ended = (ended for ended in self.undos.values() if ended is not None and ended.stuck)
        return [undo for undo in ended if undo.key not in self.skipped]

    @property
    def standing(self) -> list[StepRecord]:
        """Steps that may still have their effect in the world, as far as the kernel knows."""
        return [step for step in self.steps.values() if step.may_stand and not self._undone(step.begun.key)]

    @property
    def pivot(self) -> StepRecord | None:
        """The pivot whose intent is written, unless it is known not to be done."""
        return next((step for step in self.steps.values() if step.begun.pivot and step.may_stand), None)

    @property
    def over(self) -> bool:
        """No worker has anything left to do; after a stuck undo, the function may still have."""
        return self.result is not None or self.stuck is not None

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


PROGRESS = (e.StepEnded, e.UndoEnded, e.TimerFired, e.PromiseAnswered, e.PromiseTimedOut, e.Released)
"""A worker that dies again and again without one of these in between dies at one place."""


def _take(record: Record, order: int, event: e.Event) -> None:
    match event:
        case e.StepBegun():
            record.steps[event.step, event.nth] = StepRecord(event, order, event.at)
            record.due["step", event.step, str(event.nth)] = order
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
            record.due["undo", event.key] = order
            record.heading = State.COMPENSATING
        case e.UndoEnded():
            record.undos[event.key] = event
        case e.TimerSet():
            record.timers[event.mark] = event
            record.due["sleep", event.mark] = order
        case e.TimerFired():
            record.fired[event.mark] = event
        case e.DeadlineSet():
            record.deadlines[event.mark] = event.until
        case e.PromiseAwaited():
            record.waits[event.mark] = event
            record.due["promise", event.mark] = order
        case e.PromiseAnswered() | e.PromiseTimedOut():
            record.answers[event.name] = event
        case e.Noted():
            record.notes[event.mark] = event.value
        case e.Versioned():
            record.versions[event.name] = True
        case e.Parked():
            record.letters += (event,)
        case e.CancelAsked():
            record.cancel_asked = True
        case e.CancelRaised() | e.DeadlinePassed():
            record.raised_at[event.verb] = event
        case e.Returned() | e.Raised():
            record.result = event
        case e.Stuck():
            record.stuck = event
        case e.Released():
            _release(record, event)


def _release(record: Record, event: e.Released) -> None:
    """Stuck undos are tried again, or taken as done, or left; then the older ones follow.

    The saga function was told of them, and is told the same on replay, so that it takes the same way to its
    recorded result. What failed past the pivot is run again: then the result was no end.
    """
    stuck = record.stuck_undos
    for undo in stuck:
        record.told.setdefault(undo.key, undo)
        record.attempts.pop(("undo", undo.step, 0), None)
        if event.decision == "retry":
            record.undos[undo.key] = None
        elif event.decision == "done":
            record.undos[undo.key] = replace(undo, stuck=False)
        else:
            record.skipped[undo.key] = undo
    if record.stuck and event.decision == "retry":
        if isinstance(record.result, e.Raised):
            _run_again(record, record.result, event.at)
        record.result = record.word = None
    elif stuck:
        record.word, record.result = record.result or record.word, None
    record.stuck = None
    record.heading = State.COMPENSATING if stuck else State.RUNNING
    record.letters = tuple(letter for letter in record.letters if letter.by == "saga")


def _run_again(record: Record, raised: e.Raised, now: float) -> None:
    """The step whose failure left the function gets a new budget; what was asked for after it need not be."""
    failed = [step for step in record.steps.values() if step.begun.step == raised.step and step.ended]
    if not failed or failed[-1].begun.key != raised.key:
        return
    step = failed[-1]
    step.released, step.ended, step.since = step.ended, None, now
    record.attempts.pop(("action", step.begun.step, step.begun.nth), None)
    record.attempts.pop(("check", step.begun.step, step.begun.nth), None)
    record.due = {asked: order for asked, order in record.due.items() if order <= step.order}
