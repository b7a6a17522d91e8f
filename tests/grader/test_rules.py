"""The law itself: what no learner's file can break is checked all the same, and two directions are two."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
import pytest

from grader.exercises import EXERCISES
from grader.rules import AS_WITHOUT, Row
from saga_lab.sim import Trace, replay
from saga_lab.sim.trace import Instant
from saga_lab.worlds.bank import BankWorld
from solutions.exercise2_money_transfer import transfer_saga

RULES = EXERCISES[2].rules


@cache
def run(token: str) -> Trace:
    return replay(transfer_saga, BankWorld, token)


def broken(trace: Trace) -> set[str]:
    return {invariant.id for invariant, _ in RULES.broken(trace, BankWorld)}


def with_result(trace: Trace, **fields: Any) -> Trace:
    return msgspec.structs.replace(trace, result={**trace.result, **fields})


def with_balances(trace: Trace, instant: int, **balances: int) -> Trace:
    """The same run, with other balances from one instant on."""
    instants = list(trace.instants)
    for place in range(instant, len(instants)):
        old = instants[place]
        accounts = old.ledgers["accounts"]
        accounts = {**accounts, "balances": {**accounts["balances"], **balances}}
        instants[place] = Instant(old.at, old.number, {**old.ledgers, "accounts": accounts}, old.by)
    return msgspec.structs.replace(trace, instants=tuple(instants))


@pytest.mark.parametrize(
    ("token", "status", "right"),
    [
        ("none", "completed", True),
        ("none", "failed", False),
        ("accounts.credit:refuse", "failed", True),
        ("accounts.credit:refuse", "completed", False),
        ("accounts.credit:refuse", "manual_intervention_required", False),
        ("ledger.record:down*", "manual_intervention_required", True),
        ("ledger.record:down*", "completed", False),
        ("ledger.record:down*", "failed", False),
    ],
)
def test_a_status_is_judged_by_the_scenario_and_by_the_world(token: str, status: str, right: bool) -> None:
    ids = {} if status == "completed" else {"debit_tx_id": "", "credit_tx_id": ""}
    assert ("S-0" in broken(with_result(run(token), status=status, **ids))) is not right


def test_a_cancel_in_time_ends_as_failed_and_too_late_changes_nothing() -> None:
    assert run("accounts.debit:cancel").error.startswith("Cancelled")
    assert broken(run("accounts.debit:cancel")) == set()
    assert run("ledger.record:cancel").result["status"] == "completed"
    assert broken(run("ledger.record:cancel")) == set()


def test_a_finished_saga_gives_its_result_again_and_no_other() -> None:
    again = run("again")
    assert broken(again) == set()
    assert "S-5" in broken(msgspec.structs.replace(again, again={"status": "failed"}))
    other = run("again!")
    assert broken(other) == set()
    assert "S-5" in broken(msgspec.structs.replace(other, conflict=""))


def test_a_call_after_the_end_is_told() -> None:
    again = run("again")
    late = msgspec.structs.replace(again.requests[-1], sent=again.ended + 1, number=len(again.requests) + 1)
    assert "S-6" in broken(msgspec.structs.replace(again, requests=(*again.requests, late)))


def test_money_that_appears_is_told_and_so_is_a_balance_written_back() -> None:
    refused = run("accounts.credit:refuse")
    assert broken(refused) == set()
    assert "E2-S1" in broken(with_balances(refused, 1, CASH=1))
    assert "E2-S7" in broken(with_balances(refused, 2, **{"ACC-001": 100_001}))


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda exercise: exercise.module)
def test_the_tables_speak_of_what_there_is(exercise: Any) -> None:
    rules, world = exercise.rules, exercise.world
    assert set(rules.ordinary) == set(world.cases)
    assert set(rules.ordinary.values()) | set(rules.clean) <= set(rules.statuses)
    for row in rules.rows:
        assert isinstance(row, Row)
        assert row.operation.partition("[")[0] in world.operations
        assert set(row.statuses) <= {*rules.statuses, AS_WITHOUT}
    ids = [invariant.id for invariant in rules.invariants]
    assert len(ids) == len(set(ids))
    assert {f"S-{n}" for n in range(11)} | {f"L-{n}" for n in range(1, 5)} | {"H-1", "H-2"} <= set(ids)
