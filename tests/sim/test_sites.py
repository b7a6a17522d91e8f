"""What is tried where: deadlines from both sides, waits, rivals, and what is left out since it is equal."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saga_lab import TimedOut
from saga_lab.sim import Trace, explore, replay
from saga_lab.sim.explore import EQUAL, REPEATED, Exploration
from saga_lab.sim.faults import duration, milliseconds
from saga_lab.sim.sites import near, usual
from saga_lab.worlds.shop import ShopWorld
from tests.sim.desk import Booked, DeskWorld, ask_first, ask_in_a_scope, book
from tests.sim.sagas import careful, patient
from tests.sim.test_explore import Anything


@pytest.fixture(scope="module")
def booked() -> Exploration:
    return explore(book, DeskWorld, Anything(), keep=True)


@given(st.integers(1_000, 10**11))
def test_around_an_instant_there_is_a_before_an_at_and_an_after_that_read_well(exact: int) -> None:
    before, at, after = near(exact)
    assert before <= at - 1_000 < at == exact < at + 1_000 <= after
    assert after - at <= max(61_000, at)
    for ms in (before, after):
        assert not ms or milliseconds(duration(ms)) == ms
        assert not ms or len(duration(ms)) <= 5


def test_durations_are_chosen_around_every_deadline_of_the_world(booked: Exploration) -> None:
    assert {
        *("desk.hold:crash-after=14m", "desk.hold:crash-after=899940ms", "desk.hold:crash-after=16m"),
        *("desk.take:late=14m", "desk.take:late=869980ms", "desk.take:late=15m", "desk.take:late=15m*"),
    } <= set(booked.tokens)


def test_the_deadline_decides(booked: Exploration) -> None:
    status = {trace.token: trace.result["status"] for trace in booked.traces if trace.result}
    assert status["desk.hold:crash-after=14m"] == "taken"
    assert status["desk.hold:crash-after=899940ms"] == "failed"
    assert status["desk.hold:crash-after=16m"] == "failed"


def test_a_promise_that_has_its_answer_has_no_deadline_any_more() -> None:
    since_then = {x for x in explore(ask_first, DeskWorld, Anything()).tokens if x.startswith("desk.take:")}
    assert since_then and not any("d" in token.partition("=")[2] for token in since_then)


def test_a_wait_that_only_its_scope_ends_meets_a_crash_too() -> None:
    waiting = replay(ask_in_a_scope, DeskWorld, "case:silence")
    assert "promise:crash=14d" in {str(tried.fault) for tried in usual(waiting, DeskWorld)}


def test_a_reply_is_tried_just_before_the_time_out_and_at_it(booked: Exploration) -> None:
    assert {"desk.hold:slow=28s", "desk.hold:slow=29960ms", "desk.hold:slow=5m"} <= set(booked.tokens)
    late = replay(book, DeskWorld, "desk.hold:slow=29960ms").requests
    early = replay(book, DeskWorld, "desk.hold:slow=28s").requests
    assert (late[0].given_up, len(late)) == (30_000, len(early) + 1)


def test_a_crash_in_a_wait_is_tried_in_its_middle_just_before_its_end_and_at_it() -> None:
    tokens = explore(patient, ShopWorld, Anything()).tokens
    assert {"timer:crash", "timer:crash=29d", "timer:crash=30d"} <= set(tokens)


def test_a_wait_that_somebody_ends_early_is_crashed_in_the_middle_of_what_there_was() -> None:
    found = explore(ask_first, DeskWorld, Anything(), keep=True)
    (crashed,) = (trace for trace in found.traces if trace.token.startswith("promise:crash"))
    assert len(crashed.crashes) == 1
    assert 0 < crashed.crashes[0].at < 86_400_000


def test_the_deadline_of_a_scope_is_tried_like_one_of_the_world() -> None:
    async def hurried(saga: Any, booking: Any, office: Any) -> Booked:
        try:
            async with saga.scope(within=600):
                await saga.step("hold", office.desk.hold, booking.who, compensate=office.desk.release)
                await saga.step("take", office.desk.take, booking.who)
        except TimedOut:
            return Booked("timeout")
        return Booked("taken")

    found = explore(hurried, DeskWorld, Anything(), keep=True)
    status = {trace.token: trace.result["status"] for trace in found.traces if trace.result}
    assert status["desk.hold:crash-after=9m"] == "taken"
    assert status["desk.hold:crash-after=11m"] == "timeout"


def test_rivals_act_after_the_operations_that_they_name(booked: Exploration) -> None:
    rivals = {token for token in booked.tokens if ":then:" in token and " + " not in token}
    assert rivals == {"desk.hold:then:push", "desk.hold:then:snatch", "desk.take:then:snatch"}


def test_every_base_is_submitted_again_with_other_words_too_and_taken_over(booked: Exploration) -> None:
    for base in ("", "desk.hold:refuse + ", "desk.take:refuse + "):
        assert {f"{base}again", f"{base}again!", f"{base}recover"} <= set(booked.tokens)


def test_what_is_left_out_as_equal_exists_and_is_equal(booked: Exploration) -> None:
    assert booked.complete
    assert booked.exist == booked.ran + booked.pruned[EQUAL] + booked.pruned[REPEATED]

    def told(token: str) -> bytes:
        trace = replay(book, DeskWorld, token)
        requests = tuple(msgspec.structs.replace(request, fault="") for request in trace.requests)
        return msgspec.json.encode(msgspec.structs.replace(trace, token="", requests=requests))

    assert "desk.take:slow=14m" not in booked.tokens
    assert told("desk.take:slow=14m") == told("desk.take:slow=16m") == told("desk.take:slow=5m")


def test_whatever_was_explored_is_played_again_byte_for_byte() -> None:
    found = explore(careful, ShopWorld, Anything(), keep=True)
    for trace in found.traces[::13]:
        again: Trace = replay(careful, ShopWorld, trace.token, lines=False)
        assert msgspec.json.encode(again) == msgspec.json.encode(trace)
