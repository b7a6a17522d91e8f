"""What a saga keeps from run to run, and what it knows by heart, gains nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from grader import grade, watch
from grader.exercises import EXERCISES
from grader.judge import replay_file
from grader.message import failures
from grader.report import Report
from saga_lab.sim import replay
from saga_lab.worlds.bank import BankWorld
from saga_lab.worlds.shop import OrderResult
from solutions.exercise1_ecommerce_order import order_saga
from solutions.exercise2_money_transfer import transfer_saga

SOLUTION = Path(__file__).parent.parent.parent / "solutions" / "exercise1_ecommerce_order.py"
BEGIN = "    pay, stock, ship = shop.payments, shop.inventory, shop.shipping\n"
FIRST = "transfer-001"
DONE = 'return OrderResult("completed", payment_id, reservation_id, shipment_id)'


def graded(folder: Path, *changes: tuple[str, str], quick: bool = True) -> Report:
    """The solution, with some of its text replaced."""
    source = SOLUTION.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in source
        source = source.replace(old, new)
    path = folder / SOLUTION.name
    path.write_text(source, encoding="utf-8")
    return grade(None, path, quick=quick)


def broken(report: Report) -> dict[str, str]:
    """What each failed promise is told with."""
    return {x.id: x.causes[0].observed for x in report.invariants if x.verdict == "fail"}


KEPT = {
    "a breaker that stays open": (
        (BEGIN, f'{BEGIN}    if len(FAILED) > 3:\n        return OrderResult("failed")\n'),
        ("    except StepFailed:\n", "    except StepFailed:\n        FAILED.append(order)\n"),
        ("async def order_saga", "FAILED = []\n\n\nasync def order_saga"),
    ),
    "a step that is left out once it went well often": (
        ("await saga.step(\"mail\"", "SENT.append(1)\n        if len(SENT) < 8: await saga.step(\"mail\""),
        ("async def order_saga", "SENT = []\n\n\nasync def order_saga"),
    ),
    "a file": (
        ("    try:\n        await saga.step(\"mail\"", (
            "    with open('seen', 'a+') as seen:\n        seen.write('x')\n        long = seen.tell() > 49\n"
            "    try:\n        await saga.step('a longer name for mail' if long else \"mail\""
        )),
    ),
    "the order of a set": (
        ("await saga.step(\"mail\"", "await saga.step(list({f\"mail{n}\" for n in range(9)})[0]"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("changes", KEPT.values(), ids=KEPT.keys())
def test_what_is_kept_from_run_to_run_is_a_failure_of_its_own(
    tmp_path: Path, changes: tuple[tuple[str, str], ...]
) -> None:
    report = graded(tmp_path, *changes)
    told = broken(report)["H-1"]
    assert told.startswith("after other runs it ")
    assert "and in a new process it " in told


def test_it_is_told_like_any_other_failure_and_medals_know_of_it(tmp_path: Path) -> None:
    report = graded(tmp_path, *KEPT["the order of a set"])
    assert (report.verdict, report.exit_code, report.medal) == ("fail", 1, None)
    assert list(broken(report)) == ["H-1"]
    assert str(report) == str(graded(tmp_path, *KEPT["the order of a set"]))
    shown = str(report).splitlines()
    assert "H-1 nothing is kept from one run to the next" in shown[0]
    assert len(shown) <= 25 and max(map(len, shown)) <= 100


def test_it_is_told_first_for_it_may_explain_the_rest(tmp_path: Path) -> None:
    report = graded(tmp_path, *KEPT["a breaker that stays open"])
    assert {"H-1", "S-0"} <= set(broken(report))
    assert failures(report)[0].judged.id == "H-1"


def test_what_is_kept_and_changes_nothing_is_nobodys_business(tmp_path: Path) -> None:
    counted = ("async def order_saga", "RUNS = []\n\n\nasync def order_saga")
    report = graded(tmp_path, counted, (BEGIN, f"{BEGIN}    RUNS.append(order.order_id)\n"))
    assert report.verdict == "pass"
    assert "again in another order in a new process, and for another request" in " ".join(str(report).split())


def test_a_saga_that_differs_each_time_is_told_as_such_even_when_the_exploration_broke_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "PATIENCE_WHEN_FAILING", 0.0)
    report = graded(
        tmp_path,
        ("async def order_saga", "import random\n\n\nasync def order_saga"),
        (DONE, f"{DONE[:-1]} + str(random.random()))"),
    )
    assert "H-1" not in broken(report)
    assert broken(report)["S-10"].startswith("played twice: one run returns")


def test_a_function_of_this_process_is_tried_in_another_order_too() -> None:
    runs = []

    async def forgetful(saga: Any, order: Any, shop: Any) -> OrderResult:
        runs.append(order)
        return await order_saga(saga, order, shop) if len(runs) < 250 else OrderResult("failed")

    assert "and in another order it " in broken(grade(1, forgetful, quick=True))["H-1"]


BY_HEART = {
    "an amount": ("order.amount", "9999", "E1-S1"),
    "a customer": ("order.customer_id, order.amount", '"cust-123", order.amount', "H-2"),
    "an order": ("stock.reserve, order.order_id", 'stock.reserve, "order-001"', "S-0"),
    "an id that a service gave": ("            reservation_id,\n", '            "reservation-1",\n', "S-0"),
    "an id in the result": (DONE, DONE.replace("payment_id", '"payment-1"'), "S-0"),
}


@pytest.mark.parametrize(("known", "said", "promise"), BY_HEART.values(), ids=BY_HEART.keys())
def test_a_name_or_an_amount_that_stands_in_the_code_fails_for_another_request(
    tmp_path: Path, known: str, said: str, promise: str
) -> None:
    report = graded(tmp_path, (known, said))
    assert promise in broken(report)
    cause = failures(report)[0].cause
    assert cause.token.startswith("seed:")
    assert cause.faults.startswith("another request (seed ")
    assert "some of them stand in your code" in cause.why
    assert replay_file(tmp_path / SOLUTION.name, cause.token).broken
    assert not replay_file(tmp_path / SOLUTION.name, cause.token.partition(" + ")[2] or "none").broken


def test_a_key_that_stands_in_the_code_is_shared_by_all_requests(tmp_path: Path) -> None:
    told = broken(graded(tmp_path, ("check=pay.find", 'check=pay.find, key="the charge"')))["H-2"]
    assert told.startswith("order-001 and ")
    assert told.endswith("both asked for payments.charge under the charge")


def test_pairs_wait_until_another_request_passes(tmp_path: Path) -> None:
    report = graded(tmp_path, BY_HEART["an amount"][:2], quick=False)
    assert (report.depth, report.verdict) == (1, "fail")


def test_two_requests_at_once_may_have_each_others_usual_names() -> None:
    """In some seeds the second transfer has the id that the first one usually has."""
    seeds = [x for x in range(1, 5000) if BankWorld.varied(x).cases["twins"].others[0].transfer_id == FIRST]
    token = f"seed:{seeds[0]} + case:twins"
    assert EXERCISES[2].rules.judge(replay(transfer_saga, BankWorld, token), BankWorld) == []
