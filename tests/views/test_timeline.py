"""The timeline: what it shows of a run, and how its axis folds and breaks."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from picture_eyes import LIGHT, SVG, parse, see
from picture_runs import TOKENS, endless_run, long_run, run

from saga_lab import SagaContext
from saga_lab.sim import replay
from saga_lab.sim.trace import Request, Trace
from saga_lab.views import theme, timeline
from saga_lab.views.axis import Span, axis
from saga_lab.views.lanes import plan
from saga_lab.views.story import ending
from saga_lab.views.words import clock, span
from saga_lab.worlds.shop import ShopWorld
from saga_lab.worlds.systems import MigrationRequest, MigrationResult, Systems, SystemsWorld


def words(trace: Trace) -> list[str]:
    return [w.text for w in see(timeline(trace, ShopWorld).svg, LIGHT)]


def tips(trace: Trace) -> list[str]:
    return [part.text or "" for part in parse(timeline(trace, ShopWorld).svg).iter(f"{SVG}title")]


@pytest.mark.parametrize("token", TOKENS)
def test_every_fault_that_struck_is_in_the_text_and_in_the_picture(token: str):
    trace = run(token)
    picture, seen = timeline(trace, ShopWorld), tips(trace)
    for request in trace.requests:
        if request.fault:
            assert f"Fault: {request.fault}." in picture.text
            assert f"fault: {request.fault}" in seen
    for crash in trace.crashes:
        assert crash.site in picture.text
        assert any(crash.site in tip or crash.site.endswith(tip.removeprefix("fault: ")) for tip in seen)


@pytest.mark.parametrize("token", TOKENS)
def test_every_request_is_told_and_drawn(token: str):
    trace = run(token)
    picture, seen = timeline(trace, ShopWorld), tips(trace)
    for request in trace.requests:
        attempt = f", attempt {request.attempt}" if request.attempt > 1 else ""
        assert f"{clock(request.sent)}: {request.operation}{attempt}: " in picture.text
        assert any(tip.startswith(f"{request.operation}{attempt}: ") for tip in seen)


def test_done_but_the_reply_was_lost_can_be_seen():
    trace = run("payments.charge:lost*")
    assert "payments.charge: done at 0.02 s; the reply was lost. Fault: lost*." in timeline(trace).text
    bars = plan(trace, ShopWorld)
    first = bars.bars[0]
    _, effect = bars.axis.place(20)
    assert first.pieces[0].left < effect < first.pieces[0].right
    drawn = next(
        group
        for group in parse(timeline(trace, ShopWorld).svg).iter(f"{SVG}g")
        if len(group) and (group[0].text or "").startswith("payments.charge: ")
    )
    solid, dashed = list(drawn.iter(f"{SVG}rect"))
    assert (solid.get("fill"), dashed.get("stroke")) == (theme.FORWARD, theme.FAILURE)
    assert dashed.get("stroke-dasharray")
    dot = next(drawn.iter(f"{SVG}circle"))
    reply_begins = float(dashed.get("x", 0)) - 0.7
    assert float(dot.get("cx", 0)) == pytest.approx(reply_begins, abs=0.02)


def test_each_sort_of_request_has_its_hue():
    svg = timeline(run("shipping.create:lost* + shipping.find:down*"), ShopWorld).svg
    solid = {rect.get("fill") for rect in parse(svg).iter(f"{SVG}rect") if not rect.get("fill-opacity")}
    assert {theme.FORWARD, theme.UNDO, theme.PIVOT} <= solid
    assert theme.RETRIABLE not in solid
    assert theme.RETRIABLE in timeline(run(), ShopWorld).svg


def test_an_undo_carries_its_glyph_and_says_when_undoing_began():
    trace = run("shipping.create:refuse")
    assert "undo begins" in words(trace)
    assert "0.12 s: undoing began, newest first." in timeline(trace).text
    assert "inventory.release: undone at 0.14 s." in timeline(trace).text
    assert timeline(trace).svg.count(theme.GLYPHS["undone"]) == 4  # two bars, the key, the verdict


def test_the_point_of_no_return_is_marked_only_when_it_was_passed():
    assert "point of no return" in words(run())
    assert "point of no return" not in words(run("shipping.create:refuse"))


def test_an_effect_after_the_caller_gave_up_is_told_apart():
    trace = run("payments.charge:late=1h*")
    told = timeline(trace).text
    assert "no reply; the caller gave up at 30 s; it still arrived, at 1 h 30 s, and was refused" in told
    assert "payments.refund: nothing to undo at 2 min" in told
    assert "and now nothing can happen under this key" in told
    assert plan(trace, ShopWorld).bars[0].late == 3_630_000


def test_a_crash_shows_how_long_the_process_was_down():
    trace = run("payments.charge:crash-after=16m")
    told = timeline(trace).text
    assert "payments.charge: done at 0.02 s; the process died before the reply came." in told
    assert "was down for 16 min, and restarted." in told
    assert {"down", "16 min", "crash-after=16m"} <= set(words(trace))


def test_a_dead_letter_and_a_stuck_undo_are_told():
    told = timeline(run("shipping.create:lost* + shipping.find:down* + shipping.cancel:down*")).text
    assert "the undo of ship failed for good" in told
    assert "a dead letter was written" in told
    assert told.endswith("the saga ended: manual_intervention_required.")


def test_asking_again_is_told():
    assert "Asked again with the same request" in timeline(run("again")).text


def test_the_status_flies_at_the_end():
    assert "completed" in words(run())
    assert "failed" in words(run("payments.charge:refuse"))


def test_services_never_asked_have_a_lane_when_the_world_is_known():
    trace = run("payments.charge:refuse")
    assert {"saga", "payments", "inventory", "shipping", "mail"} <= set(words(trace))
    assert "mail" not in [w.text for w in see(timeline(trace).svg, LIGHT)]


def test_a_long_run_goes_on_in_further_rows_and_loses_nothing():
    trace = long_run()
    assert len(trace.requests) >= 60
    laid = plan(trace, ShopWorld)
    assert len(laid.rows) > 1
    assert len(laid.bars) == len(trace.requests)
    labels = [int(w[1:]) for w in words(trace) if re.fullmatch(r"#\d+", w)]
    assert max(labels) == max(request.nth for request in trace.requests)


def test_requests_at_the_same_time_stand_one_above_the_other():
    laid = plan(long_run(), ShopWorld)
    assert [bar.track for bar in laid.bars[:3]] == [0, 1, 2]


def test_of_a_run_that_cannot_end_both_ends_are_shown():
    trace = endless_run()
    picture = timeline(trace, ShopWorld)
    assert picture.text.endswith(f"Of this run, {len(trace.requests) - 40} of 1000 requests left out.")
    assert "The saga never ended" in picture.text
    assert len(picture.svg) < 150_000


async def batches(saga: SagaContext, migration: MigrationRequest, systems: Systems) -> MigrationResult:
    for number in range(40):
        await saga.step(f"copy {number}", systems.store.copy, migration.service_id, 0, 0)
        await saga.sleep(60)
    return MigrationResult("completed")


@pytest.mark.parametrize(
    ("token", "shown", "left_out"),
    [
        ("none", ["#2", "#3", "#38", "#39", "#40"], 34),
        ("store.copy#20:lost", ["#2", "#3", "#17", "#18", "#19", "#20", "#21", "#22"], 27),
        ("timer#20:crash=30s", ["#2", "#3", "#18", "#19", "#20", "#21", "#22", "#23"], 28),
    ],
)
def test_of_many_calls_that_went_well_both_ends_are_shown_and_all_that_did_not(
    token: str, shown: list[str], left_out: int
):
    trace = replay(batches, SystemsWorld, token)
    picture = timeline(trace)
    labels = [w.text for w in see(picture.svg, LIGHT) if re.fullmatch(r"#\d+", w.text)]
    assert labels[: len(shown)] == shown
    assert picture.text.endswith(f"Of this run, {left_out} of {len(trace.requests)} requests left out.")
    assert picture.text.count("a timer was set") == picture.text.count("the timer fired")
    assert token == "none" or token in picture.text


# ---- the axis


def test_a_wait_is_folded_when_it_dwarfs_the_rest():
    laid = axis([0, 20, 40, 60, 86_400_000, 86_400_020], [], 0, 600)
    assert [(fold.start, fold.end) for fold in laid.folds(0)] == [(60, 86_400_000)]
    assert "1 d" in [tick.words for tick in laid.ticks() if tick.fold]


def test_an_ordinary_pause_is_not_folded():
    assert not axis([0, 20, 40, 300, 320, 340], [], 0, 600).folds(0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=80), st.lists(st.integers(0, 10**5), max_size=40))
def test_later_is_never_further_left_and_never_in_an_earlier_row(far: list[int], near: list[int]):
    laid = axis([*far, *near], [], 100, 700)
    places = [laid.place(ms) for ms in sorted({0, *far, *near})]
    assert places == sorted(places)
    assert all(99.9 <= x <= 700.1 for _, x in places)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 10**6)), min_size=1, max_size=60))
def test_what_lasts_has_its_room_and_comes_back_in_whole_pieces(lasting: list[tuple[int, int]]):
    spans = [Span(start, start + long, 30) for start, long in lasting]
    laid = axis([], spans, 100, 700)
    for each in spans:
        pieces = laid.pieces(each.start, each.end)
        assert (pieces[0].opens, pieces[-1].closes) == (True, True)
        assert [piece.row for piece in pieces] == list(range(pieces[0].row, pieces[-1].row + 1))
        assert all(piece.left <= piece.right for piece in pieces)


@pytest.mark.parametrize(
    ("ms", "short", "whole"),
    [
        (0, "0", "0 s"),
        (40, "40 ms", "0.04 s"),
        (1500, "1.5 s", "1.5 s"),
        (960_000, "16 min", "16 min"),
        (3_599_980, "1 h", "59 min 59.98 s"),
        (3_630_001, "1 h", "1 h 30.001 s"),
        (30 * 86_400_000, "30 d", "30 d"),
    ],
)
def test_times_are_said_as_a_person_would(ms: int, short: str, whole: str):
    assert (span(ms), clock(ms)) == (short, whole)


# ---- any run at all

_OPERATIONS = list(ShopWorld.operations.values())


@st.composite
def _traces(draw: st.DrawFn) -> Trace:
    """Requests that overlap, fail and take effect in every combination, however unlikely."""
    requests = []
    for number in range(1, draw(st.integers(1, 25)) + 1):
        operation = draw(st.sampled_from(_OPERATIONS))
        sent = draw(st.integers(0, 4_000))
        answer = draw(st.sampled_from(["", "value", "refused", "unavailable", "lost"]))
        took = draw(st.sampled_from([0, 1, 20, 40, 30_000]))
        effect = {"undo": "undone", "look-up": "answered"}.get(operation.role, "done")
        after = draw(st.lists(st.sampled_from([0, 20, 40, 31_000, 3_600_000]), max_size=2))
        requests.append(
            Request(
                number=number,
                operation=operation.name,
                role=operation.role,
                kind=operation.kind,
                key=f"order/{number % 5}",
                args=(),
                nth=number,
                attempt=1 + number // 5,
                incarnation=1,
                sent=sent,
                fault=draw(st.sampled_from(["", "lost*", "late=1h", "crash-after=16m", "down=3"])),
                effects=tuple(
                    (sent + ms, draw(st.sampled_from([effect, "refused"]))) for ms in sorted(after)
                ),
                answered=sent + took if answer else None,
                answer=answer,
                given_up=None if answer else sent + took,
            )
        )
    requests.sort(key=lambda request: request.sent)
    ended = max(ending(request, ()) for request in requests)
    return Trace("none", "", "any", 0.0, tuple(requests), (), (), (), result={"status": "done"}, ended=ended)


@settings(max_examples=60, deadline=None)
@given(_traces())
def test_any_run_can_be_drawn_inside_its_frame_without_words_that_touch(trace: Trace):
    svg = timeline(trace, ShopWorld).svg
    _, _, wide, high = map(float, parse(svg).get("viewBox", "").split())
    seen = see(svg, LIGHT)
    assert all(w.left >= 0 and w.right <= wide and w.baseline < high for w in seen)
    for at, one in enumerate(seen):
        for other in seen[at + 1 :]:
            level = abs(one.baseline - other.baseline) < 0.8 * min(one.size, other.size)
            assert not (level and one.left < other.right and other.left < one.right), (one, other)
