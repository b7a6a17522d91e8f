"""What observers tell of a run: true numbers, whole traces across crashes, and lines without secrets."""

from __future__ import annotations

import importlib
import io
import json
import logging
import sys
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry

from saga_lab import Engine, Retry
from saga_lab import events as e
from saga_lab.observe.logs import JsonLines, Logs
from saga_lab.observe.metrics import Metrics
from saga_lab.observe.traces import Traces
from tests.kernel.lab import DAY, EPOCH, Clock, Lab, Order, moment, told

QUICK = Retry(attempts=2, first=0)


async def two(saga, order: Order, shop):
    await saga.step("A1", shop.A, compensate=shop.a)
    await saga.step("B", shop.B, compensate=shop.b, retry=QUICK)
    return "well"


def observed(lab: Lab, *observers: Callable[[e.Event], Any]) -> Lab:
    """The same laboratory, with observers on its engine."""
    lab.engine = Engine(lab.journal, clock=Clock(), observers=observers)
    return lab


# ---- numbers


class Numbers:
    def __init__(self, lab: Lab) -> None:
        self.registry = CollectorRegistry()
        self.observer = Metrics(lab.journal, self.registry)

    def __call__(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"saga_lab_{name}", labels)


@told
async def test_sagas_and_steps_are_counted_and_measured(lab: Lab) -> None:
    numbers = Numbers(lab)
    lab.shop.during["A"] = lambda: Clock().sleep(3)
    await observed(lab, numbers.observer).run(two)
    assert numbers("sagas_started_total", saga="two") == 1
    assert numbers("step_seconds_sum", saga="two", step="A#", outcome="done") == pytest.approx(3)
    assert numbers("step_seconds_count", saga="two", step="B", outcome="done") == 1
    assert numbers("saga_seconds_sum", saga="two", state="COMPLETED") == pytest.approx(3)


@told
async def test_failures_undos_and_dead_letters_are_counted(lab: Lab) -> None:
    numbers = Numbers(lab)
    lab.shop.faults = {"B": ["down*"], "a": ["no"]}
    await observed(lab, numbers.observer).run(two)
    assert numbers("attempts_failed_total", saga="two", step="B", part="action", outcome="unavailable") == 2
    assert numbers("step_seconds_count", saga="two", step="B", outcome="unavailable") == 1
    assert numbers("undo_seconds_count", saga="two", step="A#", outcome="stuck") == 1
    assert numbers("dead_letters_total", saga="two", by="kernel") == 1
    assert numbers("saga_seconds_count", saga="two", state="STUCK") == 1


@told
async def test_a_saga_that_another_process_began_is_measured_from_its_start(lab: Lab) -> None:
    lab.shop.faults = {"A": ["die"]}
    await lab.run(two)
    await lab.engine.close()
    await Clock().sleep(7200)
    numbers = Numbers(lab)
    observed(lab, numbers.observer).engine.register(two, lab.shop)
    await lab.engine.recover()
    await lab.engine.get("s1").result()
    assert numbers("sagas_recovered_total", saga="two") == 1
    assert numbers("saga_seconds_sum", saga="two", state="COMPLETED") == pytest.approx(7200)
    assert numbers("step_seconds_sum", saga="two", step="A#", outcome="done") == pytest.approx(7200)


# ---- traces


class Spans:
    def __init__(self, lab: Lab) -> None:
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer = provider.get_tracer("test")
        self.observer = Traces(lab.journal, self.tracer)

    @property
    def all(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self.exporter.get_finished_spans()}


def seconds(span: ReadableSpan) -> tuple[float, float]:
    """From when to when, after the beginning of time."""
    assert span.start_time is not None and span.end_time is not None
    return span.start_time / 1e9 - EPOCH, span.end_time / 1e9 - EPOCH


@told
async def test_a_saga_is_a_span_and_its_steps_are_inside(lab: Lab) -> None:
    spans = Spans(lab)
    lab.shop.during["B"] = lambda: Clock().sleep(5)
    await observed(lab, spans.observer).run(two)
    saga, b = spans.all["saga two"], spans.all["step B"]
    assert set(spans.all) == {"saga two", "step A1", "step B"}
    assert saga.context is not None and b.parent is not None
    assert b.parent.span_id == saga.context.span_id and seconds(b) == seconds(saga) == (0, 5)
    assert saga.status.is_ok and saga.attributes == {
        "saga.id": "s1",
        "saga.name": "two",
        "saga.state": "COMPLETED",
    }


@told
async def test_attempts_are_events_and_failures_are_marked(lab: Lab) -> None:
    spans = Spans(lab)
    lab.shop.faults = {"B": ["lost", "lost"]}
    await observed(lab, spans.observer).run(two)
    b, undo, saga = spans.all["step B"], spans.all["undo B"], spans.all["saga two"]
    assert [event.attributes and event.attributes["attempt"] for event in b.events] == [1, 2]
    assert not b.status.is_ok and "in doubt" in str(b.status.description)
    assert undo.status.is_ok and not saga.status.is_ok
    assert saga.attributes is not None and saga.attributes["saga.state"] == "COMPENSATED"


@told
async def test_a_saga_that_crashed_is_one_trace_with_the_times_of_its_journal(lab: Lab) -> None:
    lab.shop.faults = {"B": ["die"]}
    await lab.run(two)
    await lab.engine.close()
    await Clock().sleep(7200)
    spans = Spans(lab)
    observed(lab, spans.observer).engine.register(two, lab.shop)
    await lab.engine.recover()
    await lab.engine.get("s1").result()
    assert seconds(spans.all["saga two"]) == (0, 7200)
    assert seconds(spans.all["step A1"]) == (0, 0) and seconds(spans.all["step B"]) == (0, 7200)
    assert [event.name for event in spans.all["saga two"].events] == ["recovered", "returned"]
    assert len({span.context and span.context.trace_id for span in spans.all.values()}) == 1


@told
async def test_a_saga_belongs_to_the_span_in_which_it_was_started(lab: Lab) -> None:
    spans = Spans(lab)
    with spans.tracer.start_as_current_span("request"):
        run = await observed(lab, spans.observer).start(two)
    await run.result()
    request, saga = spans.all["request"].context, spans.all["saga two"].parent
    assert request is not None and saga is not None and request.span_id == saga.span_id


# ---- lines


class Lines:
    def __init__(self, lab: Lab) -> None:
        self.text = io.StringIO()
        handler = logging.StreamHandler(self.text)
        handler.setFormatter(JsonLines())
        logger = logging.Logger("test")
        logger.addHandler(handler)
        self.logger = logger
        self.observer = Logs(lab.journal, logger)

    @property
    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.getvalue().splitlines()]


@told
async def test_each_event_is_a_line_with_saga_step_key_and_outcome(lab: Lab) -> None:
    lines = Lines(lab)
    lab.shop.faults = {"B": ["down*"]}
    await observed(lab, lines.observer).run(two)
    assert [line["event"] for line in lines.all] == [
        str(event.__struct_config__.tag) for event in lab.journal.read("s1")
    ]
    (failed,) = (line for line in lines.all if line["event"] == "step ended" and line["step"] == "B")
    assert failed == {
        "level": "WARNING",
        "event": "step ended",
        "saga": "two",
        "id": "s1",
        "at": failed["at"],
        "step": "B",
        "nth": 1,
        "key": "s1/B",
        "attempts": 2,
        "outcome": "unavailable",
        "reason": "down",
    }


@told
async def test_what_a_person_must_do_is_an_error_and_values_are_not_told(lab: Lab) -> None:
    async def secret(saga, order: Order, shop):
        await saga.step("A", shop.A, "4111-1111", compensate=shop.a)
        await saga.step("B", shop.B)

    lines = Lines(lab)
    lab.shop.faults = {"B": ["no"], "a": ["no"]}
    await observed(lab, lines.observer).run(secret)
    assert [line["event"] for line in lines.all if line["level"] == "ERROR"] == ["undo ended", "parked"]
    assert "4111" not in lines.text.getvalue()


@told
async def test_lines_of_others_pass_the_same_formatter(lab: Lab) -> None:
    lines = Lines(lab)
    try:
        raise ValueError("of a library")
    except ValueError:
        lines.logger.exception("it failed")
    (line,) = lines.all
    assert (line["message"], line["level"]) == ("it failed", "ERROR") and "of a library" in line["error"]


# ---- after a person's word


@told
async def test_what_a_person_released_is_measured_from_the_release_and_drawn_whole(lab: Lab) -> None:
    numbers, spans, lines = Numbers(lab), Spans(lab), Lines(lab)
    lab.shop.faults = {"B": ["no"], "a": ["no", "lost"]}
    await observed(lab, numbers.observer, spans.observer, lines.observer).run(two)
    await Clock().sleep(DAY)
    spans.exporter.clear()
    lab.shop.during["a"] = lambda: Clock().sleep(2)
    await lab.engine.release("s1", "retry")
    await moment()
    await Clock().sleep(60)
    assert lab.state() == "COMPENSATED"
    took = numbers("undo_seconds_sum", saga="two", step="A#", outcome="done")
    assert took is not None and 4 <= took < 10
    assert [span.name for span in spans.exporter.get_finished_spans()].count("undo A1") == 2
    assert seconds(spans.all["undo A1"])[0] == DAY and seconds(spans.all["saga two"])[0] == 0
    assert [line["event"] for line in lines.all][-1] == "raised"
    assert numbers.observer._history._under_way == {}


# ---- no harm


@told
async def test_an_observer_that_fails_breaks_no_saga_and_no_other_observer(lab: Lab) -> None:
    def broken(event: e.Event) -> None:
        raise RuntimeError("the collector is away")

    lines, journal = Lines(lab), lab.journal
    logging.getLogger("saga_lab").disabled = True
    try:
        assert await observed(lab, broken, lines.observer).run(two) == "well"
    finally:
        logging.getLogger("saga_lab").disabled = False
    assert lab.shop.story == ["A", "B"] and len(lines.all) == len(journal.read("s1"))


@told
async def test_observers_forget_a_saga_that_ended(lab: Lab) -> None:
    observers = [Lines(lab).observer, Numbers(lab).observer, Spans(lab).observer]
    lab.shop.faults = {"B": ["no"]}
    await observed(lab, *observers).run(two)
    assert [observer._history._under_way for observer in observers] == [{}, {}, {}]


@pytest.mark.parametrize(
    ("observer", "library"), [("metrics", "prometheus_client"), ("traces", "opentelemetry.trace")]
)
def test_a_missing_library_is_named_with_what_to_install(
    observer: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, f"saga_lab.observe.{observer}")
    with pytest.raises(ImportError, match=r'pip install "saga-lab\[observe\]"'):
        importlib.import_module(f"saga_lab.observe.{observer}")
