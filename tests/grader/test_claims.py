"""The law of the claim: every row of its fault table, from both sides."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from msgspec.structs import replace as changed

from grader.judge import replay_file
from grader.rules.exercise5 import RULES
from grader.story import story
from saga_lab.sim import Trace, replay
from saga_lab.worlds.insurer import InsurerWorld
from solutions.exercise5_insurance_claim import claim_saga

CORPUS = Path(__file__).parent.parent / "corpus" / "exercise5"
MANUAL = "manual_intervention_required"


@cache
def run(token: str) -> Trace:
    return replay(claim_saga, InsurerWorld, token)


def broken(trace: Trace) -> set[str]:
    return {invariant.id for invariant, _ in RULES.broken(trace, InsurerWorld)}


@pytest.mark.parametrize(
    ("token", "right"),
    [
        ("none", {"paid"}),
        ("claims.validate:refuse", {"rejected_invalid"}),
        ("claims.validate:lost*", {"failed"}),
        ("case:invalid + claims.validate:down*", {"failed"}),
        ("records.request:refuse", {"failed"}),
        ("case:reject", {"rejected"}),
        ("case:silence", {"timeout"}),
        ("case:decision-fails", {"failed"}),
        ("payments.pay:refuse", {"payment_failed"}),
        ("payments.pay:down*", {"payment_failed"}),
        ("payments.pay:refuse + reviews.open:down*", {MANUAL}),
        ("claims.close:down*", {"paid", MANUAL}),
        ("case:reject + claims.close:refuse", {"rejected", MANUAL}),
        ("case:reject + records.withdraw:down*", {"rejected", "failed", MANUAL}),
        ("case:reject + claims.close:cancel", {"rejected", "failed"}),
        ("case:reject + claims.validate:cancel", {"failed"}),
        ("claims.validate:cancel", {"failed"}),
        ("payments.pay:cancel", {"paid"}),
    ],
)
def test_a_status_is_judged_by_the_scenario_and_by_the_world(token: str, right: set[str]) -> None:
    """The world is what the solution made of it; only the word is exchanged."""
    for status in RULES.statuses:
        payment_id = "payment-1" if status == "paid" else ""
        wrong = broken(changed(run(token), result={"status": status, "payment_id": payment_id}))
        assert (not wrong) is (status in right), (status, wrong)


def test_two_decisions_that_count_are_one_too_many() -> None:
    trace = run("case:approve-then-reject")
    assert [x.accepted for x in trace.outside] == [True, False]
    both = tuple(changed(x, accepted=True) for x in trace.outside)
    assert "E5-S3" in broken(changed(trace, outside=both))


@pytest.mark.parametrize("crash", ["claims.close:crash-before", "finish:crash"])
def test_an_attempt_that_a_crash_cut_off_or_forgot_is_not_one_too_many(crash: str) -> None:
    token = f"{crash} + claims.close#2:down*"
    played = replay_file(CORPUS / "right" / "more_patience.py", token, 5)
    closes = [request for request in played.trace.requests if request.operation == "claims.close"]
    assert (len(closes), played.broken) == (13, [])


def test_a_story_tells_what_people_said_and_what_they_did_not() -> None:
    told = story(run("case:approve-then-reject"))
    assert " 3 somebody answers 'approval'" in told
    assert " 4 somebody answers 'approval': a Conflict" in told
    assert " 3 nobody has answered 'approval' in time" in story(run("case:silence"))
