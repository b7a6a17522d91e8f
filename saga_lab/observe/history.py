"""What an observer knows of the sagas that it sees, also of those that began in another process."""

from __future__ import annotations

from collections.abc import Sequence

from saga_lab import events as e
from saga_lab.fold import State, fold
from saga_lab.journals import Journal


class History:
    """The events so far of every saga under way."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._under_way: dict[str, list[e.Event]] = {}

    def upto(self, event: e.Event) -> Sequence[e.Event]:
        """The saga's events up to this one, `event` included."""
        events = self._under_way.get(event.id)
        if events is None or isinstance(event, e.Recovered):
            # An observer is told after the append, so the journal has this event, and maybe later ones.
            events = list(self._journal.read(event.id))
            del events[events.index(event) + 1 :]
            self._under_way[event.id] = events
        else:
            events.append(event)
        return events

    def ending(self, events: Sequence[e.Event]) -> State | None:
        """How the saga stands if its last event ends it, and it is forgotten here; else None."""
        if not isinstance(events[-1], e.ENDINGS):
            return None
        self._under_way.pop(events[-1].id, None)
        return fold(events).state


def name(events: Sequence[e.Event]) -> str:
    """The saga's name, under which it was registered."""
    return events[0].saga if isinstance(events[0], e.Started) else ""


def since(events: Sequence[e.Event], step: str, nth: int = 0) -> float:
    """Seconds from the intent of a step (of its undo, for `nth` 0), or its release, to the last event."""
    begun = next(
        event.at
        for event in reversed(events)
        if (isinstance(event, e.StepBegun) and (event.step, event.nth) == (step, nth))
        or (isinstance(event, e.UndoBegun) and (event.step, nth) == (step, 0))
        or isinstance(event, e.Released)
    )
    return events[-1].at - begun
