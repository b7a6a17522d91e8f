"""Spans for OpenTelemetry: one for a saga, one for each step and each undo, attempts as their events."""

from __future__ import annotations

from collections.abc import Sequence

from saga_lab import events as e
from saga_lab.fold import State
from saga_lab.journals import Journal
from saga_lab.observe.history import History, name

try:
    from opentelemetry.context import Context, get_current
    from opentelemetry.trace import Span, StatusCode, Tracer, get_tracer, set_span_in_context
except ImportError:
    raise ImportError('traces need opentelemetry: pip install "saga-lab[observe]"') from None

Place = tuple[str, str, int]
"""What a span is about: "step" or "undo", the step's name, which of that name (0 for an undo)."""


class Traces:
    """An observer that draws a saga once it has ended or is stuck, from its journal and its times.

    So a saga that three processes worked on is one trace. It belongs to the span in which it was started,
    if that was in this process. A saga that a person released is drawn again, whole, at its next end.
    """

    def __init__(self, journal: Journal, tracer: Tracer | None = None) -> None:
        self._history = History(journal)
        self._tracer = tracer or get_tracer("saga_lab")
        self._around: dict[str, Context] = {}

    def __call__(self, event: e.Event) -> None:
        events = self._history.upto(event)
        if isinstance(event, e.Started):
            self._around[event.id] = get_current()
        if state := self._history.ending(events):
            self._draw(events, state, self._around.pop(event.id, None))

    def _draw(self, events: Sequence[e.Event], state: State, around: Context | None) -> None:
        root = self._span(f"saga {name(events)}", events[0], around or Context())
        root.set_attributes({"saga.name": name(events), "saga.state": str(state)})
        inside, spans, released = set_span_in_context(root, Context()), dict[Place, Span](), events[0]

        def begun(event: e.Event, place: Place, step: str, key: str) -> Span:
            """The span of a call; after a release it goes on without a new intent."""
            if place not in spans:
                spans[place] = self._span(f"{place[0]} {step}", event, inside)
                spans[place].set_attributes({"saga.step": step, "saga.key": key})
            return spans[place]

        for event in events[1:]:
            match event:
                case e.StepBegun():
                    begun(event, ("step", event.step, event.nth), event.step, event.key)
                case e.UndoBegun():
                    begun(event, ("undo", event.step, 0), event.step, event.key)
                case e.AttemptFailed():
                    place = ("undo" if event.part == "undo" else "step", event.step, event.nth)
                    told = {"attempt": event.attempt, "outcome": event.outcome, "reason": event.reason}
                    span = begun(released, place, event.step, event.key)
                    span.add_event(f"{event.part} failed", told, _ns(event))
                case e.StepEnded() | e.UndoEnded():
                    nth = event.nth if isinstance(event, e.StepEnded) else 0
                    place = ("step" if nth else "undo", event.step, nth)
                    span = begun(released, place, event.step, event.key)
                    span.set_attributes({"saga.attempts": event.attempts, "saga.outcome": event.outcome})
                    _end(spans.pop(place), event, event.outcome != "done", f"{event.outcome}: {event.reason}")
                case _:
                    released = event if isinstance(event, e.Released) else released
                    told = {"reason": event.reason} if isinstance(event, e.Parked | e.Stuck) else {}
                    root.add_event(str(event.__struct_config__.tag), told, _ns(event))
        for span in spans.values():
            _end(span, events[-1], True, "the saga ended before it did")
        left = next((event for event in reversed(events) if isinstance(event, e.Raised)), None)
        why = left.reason if left else "a person must see to it"
        _end(root, events[-1], left is not None or state is State.STUCK, why)

    def _span(self, title: str, event: e.Event, context: Context) -> Span:
        return self._tracer.start_span(
            title, context, attributes={"saga.id": event.id}, start_time=_ns(event)
        )


def _end(span: Span, event: e.Event, failed: bool, why: str) -> None:
    if failed:
        span.set_status(StatusCode.ERROR, why)
    else:
        span.set_status(StatusCode.OK)
    span.end(_ns(event))


def _ns(event: e.Event) -> int:
    """OpenTelemetry counts in nanoseconds."""
    return round(event.at * 1e6) * 1000
