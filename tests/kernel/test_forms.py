"""The blocks of docs/forms.md and docs/resilience.md do what those pages say."""

from __future__ import annotations

import asyncio
import functools
import re
import types
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import saga_lab
from saga_lab import CompensationFailed, InDoubt, Refused, Unavailable, fold
from saga_lab.views import plan
from tests.kernel.lab import Lab, moment, told

DOCS = Path(__file__).parents[2] / "docs"


@functools.cache
def page(name: str) -> Any:
    """What the blocks of a page define; they may use the public names, and a few of the standard library."""
    names = {name: getattr(saga_lab, name) for name in saga_lab.__all__}
    # A dataclass looks for its module, so the blocks pretend to stand in this one.
    names |= {
        "__name__": __name__,
        "Any": Any,
        "Mapping": Mapping,
        "dataclass": dataclass,
        "replace": replace,
    }
    for block in re.findall(r"```python\n(.*?)```", (DOCS / name).read_text(), re.DOTALL):
        exec(compile("from __future__ import annotations\n" + block, name, "exec"), names)
    return types.SimpleNamespace(**names)


def services(lab: Lab, **operations: str) -> Any:
    """The laboratory's operations under other names."""
    return types.SimpleNamespace(**{name: getattr(lab.shop, letter) for name, letter in operations.items()})


# ---- a list of steps


def bank(lab: Lab) -> Any:
    return services(lab, debit="D", undo_debit="d", credit="C", undo_credit="c")


@told
async def test_a_list_of_steps_is_executed_and_gives_its_results(lab: Lab) -> None:
    forms = page("forms.md")
    told = await forms.execute(lab.engine, bank(lab), forms.Transfer("ACC-001", "ACC-002", 150))
    (id,) = lab.journal.ids()
    assert told == f"D-{id}/debit and C-{id}/credit, COMPLETED"
    assert [bytes(step.begun.args) for step in fold(lab.journal.read(id)).steps.values()] == [
        b'["ACC-001",150]',
        b'["ACC-002",150]',
    ]


@told
async def test_a_list_of_steps_is_undone_when_one_is_refused(lab: Lab) -> None:
    forms = page("forms.md")
    lab.shop.faults = {"C": ["no"]}
    told = await forms.execute(lab.engine, bank(lab), forms.Transfer("ACC-002", "ACC-003", 1000))
    assert told == "credit refused, COMPENSATED" and lab.shop.story == ["D", "d"]


def test_a_list_of_steps_can_be_checked_and_drawn() -> None:
    saga = page("forms.md").transfer_money(bank(Lab()))
    assert saga.lint() == [] and plan(saga).text.startswith("The steps of transfer\n1. ")


# ---- a chain of calls


def chain(lab: Lab) -> Any:
    forms = page("forms.md")
    return forms.submit_exam(services(lab, take="T", give_back="t"), services(lab, create="E"))


@told
async def test_a_chain_of_calls_commits_last(lab: Lab) -> None:
    run = await lab.engine.start(chain(lab), page("forms.md").Submission("ada", "sagas"), id="s1")
    assert await run.result() == {"attempt": "T-s1/attempt", "commit": "E-s1/commit"}
    assert run.state == "COMPLETED" and lab.shop.story == ["T", "E"]


@told
async def test_a_chain_whose_commit_is_refused_gives_the_attempt_back(lab: Lab) -> None:
    lab.shop.faults = {"E": ["no"]}
    run = await lab.engine.start(chain(lab), page("forms.md").Submission("ada", "sagas"))
    with pytest.raises(Refused):
        await run.result()
    assert lab.shop.story == ["T", "t"]


def test_a_chain_has_no_problems() -> None:
    assert chain(Lab()).lint() == []


# ---- classes with act and compensate


def classes(lab: Lab) -> Any:
    forms = page("forms.md")
    inventory = forms.ReserveInventory(services(lab, reserve="R", release="r"))
    return forms.order_saga(inventory, forms.ProcessPayment(services(lab, charge="P", refund="p")))


@told
async def test_classes_see_a_context_that_grows_and_a_restart_does_not_lose_it(lab: Lab) -> None:
    lab.shop.faults = {"P": ["die"]}
    order = page("forms.md").OrderContext("123", ["item_1"], 100)
    await lab.engine.start(classes(lab), order, id="s1")
    await moment()
    await lab.restart(classes(lab))
    result = await lab.engine.get("s1").result()
    assert result == {"reservation": "R-s1/reservation", "payment": "P-s1/payment"}
    (_, charged) = fold(lab.journal.read("s1")).steps.values()
    assert b'"reservation":"R-s1/reservation"' in bytes(charged.begun.args)
    assert lab.shop.story == ["R", "P"]


@told
async def test_classes_compensate_what_they_did(lab: Lab) -> None:
    lab.shop.faults = {"P": ["lost*"]}
    run = await lab.engine.start(classes(lab), page("forms.md").OrderContext("1", [], 5))
    with pytest.raises(InDoubt):
        await run.result()
    assert lab.shop.story == ["R", "P", "p", "r"]


# ---- services that come with each start


@told
async def test_a_declared_saga_may_get_its_services_from_a_function(lab: Lab) -> None:
    assert await lab.run(page("forms.md").declared_order) == {"charge": "A-s1/charge", "ship": "B-s1/ship"}


# ---- resilience


@told
async def test_the_breaker_of_the_page_opens_after_two(lab: Lab) -> None:
    resilience = page("resilience.md")
    lab.shop.faults = {"A": ["down*"]}
    ended = await lab.run(resilience.order_saga)
    assert isinstance(ended, Unavailable) and lab.shop.asked == ["A", "A"]


@told
async def test_the_bulkhead_of_the_page_lets_eight_through_at_once(lab: Lab) -> None:
    resilience, inside = page("resilience.md"), list[int]()

    async def stay() -> None:
        inside.append(len(lab.shop.asked) - len(lab.shop.story))
        await asyncio.sleep(1)

    lab.shop.during["A"] = stay
    for number in range(20):
        await lab.start(resilience.careful_saga, f"s{number}")
    await asyncio.sleep(10)
    assert max(inside) == 8 and len(lab.shop.story) == 20


@told
async def test_the_fallback_of_the_page_undoes_the_first_way_and_has_an_undo_of_its_own(lab: Lab) -> None:
    lab.shop.faults = {"W": ["lost*"], "A": ["no"]}
    assert isinstance(await lab.run(page("resilience.md").fallback_saga), Refused)
    assert lab.shop.story == ["W", "w", "D", "d"]


@told
async def test_a_stuck_undo_of_the_first_way_keeps_the_page_from_reserving_twice(lab: Lab) -> None:
    lab.shop.faults = {"W": ["lost*"], "w": ["down*"]}
    assert isinstance(await lab.run(page("resilience.md").fallback_saga), CompensationFailed)
    assert lab.shop.story == ["W"] and lab.state() == "STUCK"


@told
async def test_the_deadline_of_the_page_undoes_what_waits_for_an_approval(lab: Lab) -> None:
    assert await lab.run(page("resilience.md").punctual_saga) == "too late"
    assert lab.shop.story == ["W", "w"] and asyncio.get_running_loop().time() == 3600


@told
async def test_the_deadline_of_the_page_leaves_one_in_time_alone(lab: Lab) -> None:
    run = await lab.start(page("resilience.md").punctual_saga)
    await lab.engine.resolve("s1", "approval", "yes")
    assert await run.result() == "A-s1/charge" and lab.shop.story == ["W", "A"]
