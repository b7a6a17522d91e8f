"""The insurer of exercise 5: what is paid is never called back, and what people say comes from outside."""

from __future__ import annotations

from typing import Any

import pytest

from saga_lab import Lookup
from saga_lab.sim import InProcess, parse, simulate
from saga_lab.worlds.insurer import (
    ANSWERED,
    ClaimRequest,
    ClaimResult,
    InsurerWorld,
    claim_from_json,
    result_to_json,
)
from solutions.exercise5_insurance_claim import claim_saga
from tests.worlds.asking import ask, refusal

CLAIM = "claim-001"


@pytest.mark.parametrize(("case", "valid"), [("approve", True), ("invalid", False)])
def test_a_claim_is_found_valid_or_not_and_its_file_says_so(case: str, valid: bool) -> None:
    insurer = InsurerWorld(case)
    assert ask(insurer, "claims.validate", "v", CLAIM, 250_000) is valid
    assert insurer.ledgers()["claims"][CLAIM]["history"] == ["found valid" if valid else "found invalid"]


def test_a_closed_claim_says_why() -> None:
    insurer = InsurerWorld()
    assert refusal(insurer, "claims.close", "empty", CLAIM, "") == "bad_argument"
    assert insurer.ledgers()["claims"][CLAIM]["state"] == "open"
    ask(insurer, "claims.close", "c", CLAIM, "rejected")
    file = {"state": "closed", "reason": "rejected", "history": ["closed: rejected"]}
    assert insurer.ledgers()["claims"] == {CLAIM: file}


@pytest.mark.parametrize(
    ("operation", "args"),
    [
        ("claims.validate", [1]),
        ("claims.close", ["why"]),
        ("records.request", []),
        ("payments.pay", [1]),
        ("reviews.open", ["why"]),
    ],
)
def test_a_claim_that_nobody_made_is_refused_everywhere(operation: str, args: list[Any]) -> None:
    assert refusal(InsurerWorld(), operation, "k", "claim-999", *args) == "bad_argument"


def test_what_is_validated_is_the_amount_of_the_claim() -> None:
    assert refusal(InsurerWorld(), "claims.validate", "v", CLAIM, 249_999) == "bad_argument"


def test_records_come_after_three_days_unless_they_are_withdrawn() -> None:
    insurer = InsurerWorld()
    ask(insurer, "records.request", "a", CLAIM)
    ask(insurer, "records.request", "b", CLAIM)
    ask(insurer, "records.withdraw", "b")
    assert insurer.due() == ANSWERED
    insurer.be(ANSWERED)
    assert insurer.pass_time() and insurer.due() is None
    assert insurer.ledgers()["records"] == {"a": "received", "b": "withdrawn"}
    ask(insurer, "records.withdraw", "a")
    assert insurer.ledgers()["records"]["a"] == "withdrawn"


def test_a_void_that_comes_first_stops_the_payment_for_good() -> None:
    insurer = InsurerWorld()
    ask(insurer, "payments.void", "p")
    assert refusal(insurer, "payments.pay", "p", CLAIM, 250_000) == "no"
    assert insurer.ledgers()["payments"] == {}


def test_what_is_paid_cannot_be_voided() -> None:
    insurer = InsurerWorld()
    ask(insurer, "payments.pay", "p", CLAIM, 250_000)
    assert refusal(insurer, "payments.void", "p") == "spent"
    assert ask(insurer, "payments.find", "p") == Lookup("done", "payment-1")
    assert insurer.ledgers()["payments"] == {"p": {"claim": CLAIM, "amount": 250_000}}


def test_nothing_is_paid_out_below_a_cent() -> None:
    assert refusal(InsurerWorld(), "payments.pay", "p", CLAIM, 0) == "bad_argument"


def test_a_review_waits_in_the_queue() -> None:
    insurer = InsurerWorld()
    assert ask(insurer, "reviews.open", "r", CLAIM, "no answer from the bank") == "review-1"
    assert insurer.ledgers()["reviews"] == {"r": {"claim": CLAIM, "reason": "no answer from the bank"}}


@pytest.mark.parametrize(
    ("case", "heard"),
    [
        ("approve-early", [True]),
        ("approve-before-deadline", [True]),
        ("approve-at-deadline", [False]),
        ("approve-after-deadline", [False]),
        ("approve-twice", [True, False]),
        ("approve-then-reject", [True, False]),
    ],
)
def test_the_first_decision_before_the_deadline_counts_and_others_are_told(
    case: str, heard: list[bool]
) -> None:
    trace = simulate(InProcess(claim_saga, InsurerWorld), InsurerWorld, parse(f"case:{case}"))
    assert [told.accepted for told in trace.outside] == heard


def test_a_claim_is_read_in_cents_and_a_result_written_without_an_empty_id() -> None:
    text = '{"claimId": "c", "policyId": "p", "amount": %s}'
    assert claim_from_json(text % "99.99") == ClaimRequest("c", "p", 9999)
    with pytest.raises(ValueError, match="amount"):
        claim_from_json(text % "99.999")
    assert result_to_json(ClaimResult("paid", "p")) == b'{"status":"paid","paymentId":"p"}'
    assert result_to_json(ClaimResult("timeout")) == b'{"status":"timeout"}'
