"""Exploration: everything is tried that exists, failures are made small, and causes are told once."""

from __future__ import annotations

import gc
import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from saga_lab.sim import Scenario, Trace, Violation, deepening, explore, parse, replay
from saga_lab.sim.explore import EQUAL, REPEATED, TOO_MANY
from saga_lab.worlds.shop import OrderResult, ShopWorld
from saga_lab.worlds.world import World
from tests.sim.sagas import careful, charge_only


class MoneyOrGoods:
    """Whoever got nothing pays nothing."""

    def judge(self, trace: Trace, world: type[World]) -> Sequence[Violation]:
        ledger = trace.instants[-1].ledgers["payments"].values()
        paid = any(charge["state"] == "charged" for charge in ledger)
        failed = isinstance(trace.result, dict) and trace.result.get("status") == "failed"
        if not (paid and failed):
            return []
        turning = next((request.number for request in trace.requests if request.fault), None)
        return [Violation("money", "no money for nothing", "paid, and failed", turning)]


class Anything:
    """Every run is right."""

    def judge(self, trace: Trace, world: type[World]) -> Sequence[Violation]:
        return []


def faults(tokens: Sequence[str]) -> list[Scenario]:
    return [parse(token) for token in tokens]


def test_going_deeper_goes_on_where_the_single_faults_ended() -> None:
    judged: list[str] = []

    class Heard(Anything):
        def judge(self, trace: Trace, world: type[World]) -> Sequence[Violation]:
            judged.append(trace.token)
            return []

    singles, pairs = deepening(careful, ShopWorld, Heard())
    assert (singles.depth, pairs.depth) == (1, 2)
    assert tuple(judged) == pairs.tokens == (*singles.tokens, *pairs.tokens[singles.ran :])
    assert pairs.ran == len(set(pairs.tokens)) > singles.ran


def test_the_collector_leaves_old_runs_alone_until_all_is_explored(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, ...]] = []
    monkeypatch.setattr(gc, "set_threshold", lambda *thresholds: told.append(thresholds))
    before = gc.get_threshold()
    explore(charge_only, ShopWorld, Anything())
    assert told == [(*before[:2], 1_000), before]


def test_every_operation_that_a_run_reaches_meets_every_kind_of_fault() -> None:
    found = explore(charge_only, ShopWorld, Anything())
    kinds = {str(scenario.faults[0].word) for scenario in faults(found.tokens) if len(scenario.faults) == 1}
    assert kinds >= {
        *("refuse", "down", "down=3", "down*", "lost", "lost=3", "lost*", "late", "late*", "late=1h"),
        *(
            "late=1h*",
            "slow=5m",
            "twice",
            "twice=1h",
            "crash-before",
            "crash-after",
            "crash-after=16m",
            "crash",
        ),
    }


def test_undos_are_reached_through_refusals_and_meet_faults_too() -> None:
    found = explore(careful, ShopWorld, Anything())
    assert "shipping.create:refuse + payments.refund:down*" in found.tokens
    assert "inventory.reserve:refuse + payments.refund:crash-after" in found.tokens


def test_look_ups_are_reached_through_lost_replies_in_pairs() -> None:
    found = explore(careful, ShopWorld, Anything(), depth=2)
    assert "payments.charge:lost* + payments.find:down*" in found.tokens
    assert found.pruned[TOO_MANY] > 0


def test_all_that_exists_ran_once() -> None:
    found = explore(careful, ShopWorld, Anything(), depth=2)
    assert found.complete
    assert found.exist == found.ran + found.pruned[REPEATED] + found.pruned[EQUAL]
    assert found.ran == len(set(found.tokens))


def test_what_is_delivered_again_beside_another_fault_changes_nothing() -> None:
    def told(token: str) -> tuple[object, ...]:
        trace = replay(careful, ShopWorld, token)
        return trace.journal, trace.instants, trace.result, trace.ended

    for again, other in [
        ("payments.charge:twice=1h", "shipping.create:lost*"),
        ("inventory.reserve:twice", "shipping.create:refuse"),
        ("payments.refund:twice=1h", "inventory.reserve:refuse"),
    ]:
        assert told(f"{again} + {other}") == told(other)


def test_a_budget_that_runs_out_is_never_complete() -> None:
    found = explore(careful, ShopWorld, Anything(), budget=20)
    assert (found.ran, found.complete) == (20, False)
    assert found.exist > 20


def test_of_a_failure_that_is_told_nothing_can_be_left_out() -> None:
    found = explore(charge_only, ShopWorld, MoneyOrGoods(), depth=2)
    assert "payments.charge:lost*" in {finding.token for finding in found.findings}
    for finding in found.findings:
        faults = parse(finding.token).faults
        assert MoneyOrGoods().judge(finding.trace, ShopWorld)
        for fewer in itertools.combinations(faults, len(faults) - 1):
            trace = replay(charge_only, ShopWorld, str(Scenario(faults=fewer)))
            assert not MoneyOrGoods().judge(trace, ShopWorld)


def test_a_right_saga_has_no_findings() -> None:
    assert explore(careful, ShopWorld, MoneyOrGoods(), depth=2).findings == ()


def test_progress_counts_up_to_all_that_is_known() -> None:
    told: list[tuple[int, int]] = []
    found = explore(charge_only, ShopWorld, Anything(), progress=lambda ran, known: told.append((ran, known)))
    assert [ran for ran, _ in told] == list(range(1, found.ran + 1))
    assert told[-1] == (found.ran, found.exist)


def test_a_saga_that_differs_from_run_to_run_is_told_with_the_first_difference() -> None:
    count = itertools.count()

    async def moody(saga: Any, order: Any, shop: Any) -> OrderResult:
        await saga.step(f"charge {next(count)}", shop.payments.charge, order.customer_id, order.amount)
        return OrderResult("completed")

    found = explore(moody, ShopWorld, Anything())
    assert found.different is not None
    assert found.different[0] != found.different[1]
    assert "S-10" in {finding.violation.invariant for finding in found.findings}


def test_nothing_of_the_saga_reaches_the_judge_by_reference() -> None:
    kept: list[Any] = []

    async def sly(saga: Any, order: Any, shop: Any) -> OrderResult:
        kept.append(order)
        order.amount = 1
        return await charge_only(saga, order, shop)

    found = explore(sly, ShopWorld, Anything(), budget=3, keep=True)
    assert ShopWorld.cases["one-item"].request.amount == 9999
    assert found.traces[0].requests[0].args == ("cust-123", 1)


def test_whoever_waits_for_all_pairs_is_told_early_how_many_there_will_be() -> None:
    told = list[tuple[int, int]]()
    found = explore(careful, ShopWorld, Anything(), depth=2, progress=lambda *counts: told.append(counts))
    assert [ran for ran, _ in told] == list(range(1, found.ran + 1))
    assert all(ran <= expected for ran, expected in told)
    half = told[found.ran // 2][1]
    assert found.ran / 2 < half < found.ran * 2
