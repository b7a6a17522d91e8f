"""What each fault does to the world and to the saga, seen in the ledgers and in the answers."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from threading import Event
from typing import Any

import msgspec
import pytest

from saga_lab.sim import EndlessLoop, Request, Trace, replay
from saga_lab.sim.port import InProcess, watched
from saga_lab.worlds.platform import PlatformWorld
from saga_lab.worlds.shop import OrderResult, ShopWorld
from tests.sim.sagas import careful, charge_only, nothing_stays, patient

DAY, HOUR = 86_400_000, 3_600_000


def run(token: str, saga: Any = charge_only) -> Trace:
    return replay(saga, ShopWorld, token)


def charges(trace: Trace) -> list[Request]:
    return [request for request in trace.requests if request.operation == "payments.charge"]


def paid(trace: Trace) -> int:
    ledger = trace.instants[-1].ledgers["payments"].values()
    return sum(charge["amount"] for charge in ledger if charge["state"] == "charged")


def effects(request: Request) -> list[str]:
    return [effect for _, effect in request.effects]


@pytest.mark.parametrize(
    ("word", "answers", "money", "status"),
    [
        ("refuse", ["refused"], 0, "failed"),
        ("down", ["unavailable", "value"], 9999, "completed"),
        ("down=3", ["unavailable"] * 3 + ["value"], 9999, "completed"),
        ("down*", ["unavailable"] * 4, 0, "failed"),
        ("lost", ["lost", "value"], 9999, "completed"),
        ("lost*", ["lost"] * 4, 9999, "failed"),
        ("late", ["", "value"], 9999, "completed"),
        ("late*", [""] * 4, 9999, "failed"),
        ("twice", ["value"], 9999, "completed"),
        ("slow=5s", ["value"], 9999, "completed"),
        ("slow=5m", ["", "value"], 9999, "completed"),
        ("crash-before", ["", "value"], 9999, "completed"),
        ("crash-after", ["", "value"], 9999, "completed"),
    ],
)
def test_a_fault_on_a_charge(word: str, answers: list[str], money: int, status: str) -> None:
    trace = run(f"payments.charge:{word}")
    assert [request.answer for request in charges(trace)] == answers
    assert paid(trace) == money
    assert trace.result["status"] == status


def test_every_attempt_has_the_same_key_and_so_one_effect() -> None:
    trace = run("payments.charge:lost=3")
    assert {request.key for request in charges(trace)} == {"order-001/charge"}
    assert [effects(request) for request in charges(trace)] == [
        ["done"],
        ["repeated"],
        ["repeated"],
        ["repeated"],
    ]


def test_what_is_late_lands_just_after_the_caller_gave_up() -> None:
    first = charges(run("payments.charge:late"))[0]
    assert first.given_up is not None
    assert first.effects[0][0] == first.given_up + 1


def test_what_is_an_hour_late_lands_an_hour_after_the_caller_gave_up_and_is_watched() -> None:
    first, *_ = charges(run("payments.charge:late=1h*"))
    assert first.given_up is not None
    assert first.effects[0] == (first.given_up + HOUR, "done")


def test_an_undo_stops_what_is_still_on_its_way() -> None:
    trace = run("payments.charge:late=1h*", careful)
    assert trace.result["status"] == "failed"
    assert paid(trace) == 0
    assert {effect for request in charges(trace) for effect in effects(request)} == {"refused"}


def test_twice_delivers_again_and_the_key_makes_it_harmless() -> None:
    (only,) = charges(run("payments.charge:twice=1h"))
    assert effects(only) == ["done", "repeated"]
    assert only.effects[1][0] - only.effects[0][0] == HOUR


def test_a_crash_before_the_call_reaches_nobody() -> None:
    first, second = charges(run("payments.charge:crash-before"))
    assert (effects(first), effects(second)) == ([], ["done"])
    assert (first.incarnation, second.incarnation) == (1, 2)


def test_a_crash_after_the_effect_repeats_the_call_with_the_same_key() -> None:
    trace = run("payments.charge:crash-after=16m")
    first, second = charges(trace)
    assert (effects(first), effects(second)) == (["done"], ["repeated"])
    assert trace.crashes[0].up - trace.crashes[0].at == 16 * 60_000


@pytest.mark.parametrize("token", ["start:crash", "finish:crash", "finish:crash=16m"])
def test_a_crash_at_the_journals_own_writes_changes_nothing(token: str) -> None:
    trace = run(token)
    assert (trace.result, paid(trace)) == (run("none").result, 9999)
    assert len(trace.crashes) == 1


def test_a_crash_in_the_middle_of_a_wait_does_not_move_its_end() -> None:
    plain, crashed = run("none", patient), run("timer:crash", patient)
    assert charges(plain)[0].sent == charges(crashed)[0].sent == 30 * DAY
    assert crashed.crashes[0].at == 15 * DAY


def test_a_site_with_a_number_strikes_that_request_only() -> None:
    trace = run("payments.charge:down + payments.charge#2:lost")
    assert [request.answer for request in charges(trace)] == ["unavailable", "lost", "value"]


def test_the_same_request_again_gets_the_same_result_and_calls_nobody() -> None:
    trace = run("payments.charge:lost + again")
    assert trace.again == trace.result
    assert trace.ended is not None
    assert all(request.sent <= trace.ended for request in trace.requests)


def test_a_case_brings_its_own_request() -> None:
    trace = run("case:too-many", careful)
    assert trace.result["status"] == "failed"
    assert trace.instants[-1].ledgers["inventory"]["ITEM-001"]["on hand"] == 10


def test_a_saga_that_waits_for_ever_is_broken_off_with_the_reason() -> None:
    async def forgotten(saga: Any, order: Any, shop: Any) -> OrderResult:
        await saga.promise("an approval")
        return OrderResult("completed")

    assert run("none", forgotten).stopped == "the saga waits for something that never comes"


def test_a_time_limit_that_no_replay_can_repeat_is_told_with_what_to_use_instead() -> None:
    async def limited(saga: Any, order: Any, shop: Any) -> OrderResult:
        async with asyncio.timeout(10):
            return await charge_only(saga, order, shop)

    assert "asyncio.timeout" in (stopped := run("payments.charge:slow=5m", limited).stopped)
    assert "saga.scope(within=...)" in stopped


def test_a_saga_that_asks_for_ever_is_broken_off_with_the_reason() -> None:
    async def stubborn(saga: Any, order: Any, shop: Any) -> OrderResult:
        while True:
            await charge_only(saga, order, shop)

    assert run("payments.charge:down*", stubborn).stopped == "1,000 requests without an end"


def test_a_saga_that_never_gives_back_control_is_told_with_its_scenario() -> None:
    async def spinning(saga: Any, order: Any, shop: Any) -> OrderResult:
        await saga.step("charge", shop.payments.charge, order.customer_id, order.amount)
        while True:
            pass

    with pytest.raises(EndlessLoop) as endless:
        run("payments.charge:lost", spinning)
    assert (endless.value.last, endless.value.token) == ("payments.charge", "payments.charge:lost")


def test_only_a_saga_that_was_asked_for_something_is_silent() -> None:
    port = InProcess(charge_only, ShopWorld)
    assert watched(port, lambda: Event().wait(0.1), silence=0.01) is False


def test_the_learners_line_is_known() -> None:
    line = charges(run("none"))[0].line
    source = Path(charge_only.__code__.co_filename).read_text().splitlines()
    assert "shop.payments.charge" in source[line - 1]


SAME = """
import hashlib, msgspec
from saga_lab.sim import replay
from saga_lab.worlds.shop import ShopWorld
from tests.sim.sagas import careful
tokens = ["none", "shipping.create:lost* + shipping.find:down*", "payments.charge:crash-after=16m + again"]
traces = [replay(careful, ShopWorld, token) for token in tokens]
print(hashlib.sha256(msgspec.json.encode(traces)).hexdigest())
"""


def test_a_replay_is_the_same_byte_for_byte_in_any_process_and_hash_seed() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", SAME],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parent.parent.parent,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("0", "1", "4711")
    }
    assert len(digests) == 1


def test_a_trace_is_plain_data() -> None:
    trace = run("payments.charge:lost* + again", careful)
    assert msgspec.json.decode(msgspec.json.encode(trace), type=Trace) == trace


@pytest.mark.parametrize("thing", ["staging", "production"])
def test_brackets_at_an_undo_name_what_its_action_was_about(thing: str) -> None:
    token = f"environments.rollback[{thing}]:down*"
    trace = replay(nothing_stays, PlatformWorld, token)
    struck = {request.about for request in trace.requests if request.fault}
    assert struck == {thing}
    left = trace.instants[-1].ledgers["environments"]
    assert [name for name, copies in left.items() if len(copies) > 1] == [thing]
