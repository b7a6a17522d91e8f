"""What a failure says to type: it is copied, so it must work as it stands."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from msgspec.structs import replace

from grader import grade
from grader.report import Report
from saga_lab.sim import replay
from saga_lab.views import timeline
from saga_lab.worlds.shop import OrderResult, ShopWorld

LONG = "inventory.reserve:crash-after=16m + payments.refund:crash-after=16m"


async def empty_order(saga: Any, order: Any, shop: Any) -> OrderResult:
    return OrderResult("completed")


@pytest.fixture(scope="module")
def report() -> Report:
    return grade(1, empty_order)


def tried(report: Report, again: str) -> str:
    """What stands behind `Try` when the first failure is seen again by `again`."""
    judged = report.invariants[0]
    told = replace(judged, causes=(replace(judged.causes[0], again=again),))
    lines = str(replace(report, invariants=(told,))).splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("  Try "))
    return "\n".join(line[19:] for line in lines[start : start + 1 + lines[start].endswith("\\")])


def test_a_function_is_seen_again_by_an_expression_that_draws_it(report: Report) -> None:
    names = {"timeline": timeline, "replay": replay, "empty_order": empty_order, "ShopWorld": ShopWorld}
    again = report.invariants[0].causes[0].again
    assert eval(tried(report, again), names).svg.startswith("<svg")


def test_a_long_token_is_never_broken(report: Report) -> None:
    command = tried(report, f'saga-lab replay exercise1_ecommerce_order.py "{LONG}"')
    assert shlex.split(command.replace("\\\n", "")) == [
        *("saga-lab", "replay", "exercise1_ecommerce_order.py", LONG)
    ]
    expression = tried(report, f'timeline(replay(empty_order, ShopWorld, "{LONG}"), ShopWorld)')
    assert eval(expression, {"timeline": max, "replay": lambda *x: x, "empty_order": 1, "ShopWorld": (2,)})
