"""Numbers for Prometheus: how many sagas and steps, how they ended, and how long they took."""

from __future__ import annotations

import re

from saga_lab import events as e
from saga_lab.journals import Journal
from saga_lab.observe.history import History, name, since

try:
    from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram
except ImportError:
    raise ImportError('metrics need prometheus_client: pip install "saga-lab[observe]"') from None

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 86_400)
"""Buckets from one call on one machine to a person's answer on the next day."""
_NUMBERS = re.compile(r"\d+")


class Metrics:
    """An observer that counts and measures, by the engine's clock, in `registry`.

    A number in a step's name is told as `#`: a series for each of ten thousand rows helps nobody.
    """

    def __init__(self, journal: Journal, registry: CollectorRegistry = REGISTRY) -> None:
        self._history = History(journal)

        def counter(what: str, says: str, *labels: str) -> Counter:
            return Counter(f"saga_lab_{what}", says, ["saga", *labels], registry=registry)

        def seconds(what: str, says: str, *labels: str) -> Histogram:
            named = ["saga", *labels]
            return Histogram(f"saga_lab_{what}_seconds", says, named, registry=registry, buckets=SECONDS)

        self._started = counter("sagas_started", "Sagas accepted")
        self._recovered = counter("sagas_recovered", "Sagas taken over after a crash")
        self._failed = counter("attempts_failed", "Calls that brought no result", "step", "part", "outcome")
        self._letters = counter("dead_letters", "Things that a person must do", "by")
        self._sagas = seconds("saga", "From its start to its end, by state", "state")
        self._steps = seconds("step", "From intent to outcome, all attempts", "step", "outcome")
        self._undos = seconds("undo", "From intent to outcome, all attempts", "step", "outcome")

    def __call__(self, event: e.Event) -> None:
        events = self._history.upto(event)
        saga = name(events)
        match event:
            case e.Started():
                self._started.labels(saga).inc()
            case e.Recovered():
                self._recovered.labels(saga).inc()
            case e.AttemptFailed():
                self._failed.labels(saga, _plain(event.step), event.part, event.outcome).inc()
            case e.Parked():
                self._letters.labels(saga, event.by).inc()
            case e.StepEnded():
                took = since(events, event.step, event.nth)
                self._steps.labels(saga, _plain(event.step), event.outcome).observe(took)
            case e.UndoEnded():
                outcome = "stuck" if event.stuck else "done"
                self._undos.labels(saga, _plain(event.step), outcome).observe(since(events, event.step))
        if state := self._history.ending(events):
            self._sagas.labels(saga, str(state)).observe(event.at - events[0].at)


def _plain(step: str) -> str:
    return _NUMBERS.sub("#", step)
