"""Lines of a log, one for each event, that a machine can search: JSON with saga, id, step and outcome."""

from __future__ import annotations

import logging

import msgspec

from saga_lab import events as e
from saga_lab.journals import Journal
from saga_lab.observe.history import History, name

TELLING = ("step", "nth", "key", "part", "attempt", "attempts", "outcome", "stuck", "name", "verb", "reason")
"""The fields that are told. Requests, arguments and values are not: they are the business of few."""


class Logs:
    """An observer that writes each event to `logger`: failures as warnings, a person's work as errors.

    The fields are in the record's `saga`, for whatever formatter; `JsonLines` makes one line of them.
    """

    def __init__(self, journal: Journal, logger: logging.Logger | None = None) -> None:
        self._history = History(journal)
        self._logger = logger or logging.getLogger("saga_lab.sagas")

    def __call__(self, event: e.Event) -> None:
        events = self._history.upto(event)
        self._history.ending(events)
        tag = str(event.__struct_config__.tag)
        told = {field: getattr(event, field) for field in TELLING if hasattr(event, field)}
        fields = {"event": tag, "saga": name(events), "id": event.id, "at": event.at, **told}
        about = f" {told['step']}" if told.get("step") else ""
        self._logger.log(_level(event), "%s: %s%s", event.id, tag, about, extra={"saga": fields})


class JsonLines(logging.Formatter):
    """One JSON object a line: level, event, saga, id, at (seconds), and what the event tells."""

    def format(self, record: logging.LogRecord) -> str:
        fields = getattr(record, "saga", None) or {"message": record.getMessage(), "logger": record.name}
        if record.exc_info:
            fields = {**fields, "error": self.formatException(record.exc_info)}
        return msgspec.json.encode({"level": record.levelname, **fields}).decode()


def _level(event: e.Event) -> int:
    if isinstance(event, e.Parked | e.Stuck) or (isinstance(event, e.UndoEnded) and event.stuck):
        return logging.ERROR
    failed = isinstance(event, e.AttemptFailed | e.Raised | e.Recovered)
    failed = failed or (isinstance(event, e.StepEnded) and event.outcome in ("unavailable", "in doubt"))
    return logging.WARNING if failed else logging.INFO
