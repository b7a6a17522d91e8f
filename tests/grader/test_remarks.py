"""Remarks and hints: what is risky is said with its reason, and a hint never says more than it must."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from grader import grade
from grader.cli import main
from grader.hints import steps

ROOT = Path(__file__).parent.parent.parent
CORPUS = ROOT / "tests" / "corpus"
STARTER = ROOT / "exercises" / "exercise2_money_transfer.py"
CLAIM = ROOT / "solutions" / "exercise5_insurance_claim.py"


def remarks(path: Path) -> dict[str, str]:
    return {x.id: f"{x.observed} {x.why} {x.todo}" for x in grade(None, path, quick=True).remarks}


@pytest.mark.parametrize(
    "name", ["exercise1_ecommerce_order", "exercise2_money_transfer"], ids=["order", "transfer"]
)
def test_nothing_is_to_be_said_of_a_solution(name: str) -> None:
    assert remarks(ROOT / "solutions" / f"{name}.py") == {}


@pytest.mark.parametrize(
    ("file", "id", "says"),
    [
        ("exercise2/right/step_list.py", "a cancel leaves things behind", "catch Cancelled"),
        ("exercise2/right/imperative_no_lookup.py", "look-up unused", "check=accounts.find"),
        ("exercise2/wrong/M-G25_the_call_is_made_before.py", "outside saga.step", "after a crash"),
        ("exercise2/wrong/M-G08_an_undo_under_a_key.py", "undo of an unused key", "key=saga.key"),
        ("exercise2/wrong/M-G02_a_new_key_on_every.py", "retry without a key", "a second order"),
        ("exercise2/wrong/M-G19_undos_in_forward_order.py", "undo in an unusual order", "newest first"),
        ("exercise1/wrong/M-G30_undo_while_a_sibling.py", "asyncio for saga.gather", "waits for all"),
    ],
)
def test_what_is_risky_is_said_with_what_to_do_instead(file: str, id: str, says: str) -> None:
    number = int(file[len("exercise")])
    report = grade(number, CORPUS / file, quick=True)
    said = {x.id: f"{x.observed} {x.why} {x.todo}" for x in report.remarks}
    assert says in said[id]


def test_a_pivot_that_the_engine_is_not_told_of_is_risky(tmp_path: Path) -> None:
    source = CLAIM.read_text(encoding="utf-8").replace("            pivot=True,\n", "")
    handed_in = tmp_path / CLAIM.name
    handed_in.write_text(source, encoding="utf-8")
    report = grade(None, handed_in, quick=True)
    assert report.verdict == "pass"
    said = next(x for x in report.remarks if x.id == "a cancel that comes too late")
    assert "claims.close:cancel" in said.observed and "pivot=True" in said.todo


def test_a_slip_is_seen_in_the_source(tmp_path: Path) -> None:
    source = STARTER.read_text(encoding="utf-8")
    source = source.replace("transfer.from_account, transfer.amount", 'saga.key("debit"), transfer.amount')
    source = source.replace('await saga.step("reverse debit"', 'saga.step("reverse debit"')
    handed_in = tmp_path / STARTER.name
    handed_in.write_text(source, encoding="utf-8")
    report = grade(None, handed_in, quick=True)
    said = {x.id: x.code for x in report.remarks}
    assert 'saga.step("reverse debit"' in said["not awaited"]
    assert f"{STARTER.name}:" in said["key as an argument"]
    assert "Risky" in str(report)


def test_hints_come_one_at_a_time_and_end_with_the_run() -> None:
    question, idea, run = steps(grade(None, STARTER, quick=True))
    assert question.startswith("1 of 3.") and question.endswith("?")
    assert "Notebook 4" in idea
    assert "<- here it went wrong" in run
    for step, hint in enumerate((question, idea, run), 1):
        told = CliRunner().invoke(main, ["hint", str(STARTER), "--step", str(step)])
        assert (told.exit_code, told.output.strip()) == (1, hint.strip())


def test_who_passes_needs_no_hint() -> None:
    told = CliRunner().invoke(main, ["hint", str(ROOT / "solutions" / STARTER.name)])
    assert told.exit_code == 0 and "Nothing failed" in told.output


def test_a_saga_within_another_function_is_graded_whatever_its_text() -> None:
    async def order_saga(saga, order, shop):
        return """
at the margin"""

    report = grade(1, order_saga, quick=True)
    assert (report.verdict, report.remarks) == ("fail", ())
