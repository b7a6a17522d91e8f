"""Exercise 5, the claim: what each status promises, and what must hold at the insurer."""

from __future__ import annotations

from collections.abc import Iterator

from grader.rules import AS_WITHOUT, Invariant, Row, Rules, Shown, claims
from grader.rules import insurer_ledgers as insurer
from grader.rules.claims import ENDED
from grader.rules.common import COMMON
from grader.rules.facts import MANUAL, Call, Facts
from grader.rules.insurer_ledgers import CLOSE, PAY, RECORDS, REVIEW, VALIDATE, WITHDRAW
from grader.rules.scenarios import given_up
from grader.rules.words import in_euros
from saga_lab.sim import Scenario
from saga_lab.worlds.world import World

UNPAID = "nothing was paid and nothing will be, no records are asked for any more, the claim is closed"
STATUSES = {
    "paid": "the claimed amount was paid once, after an approval in time, and the claim is closed",
    "rejected_invalid": f"the claim is not valid: {UNPAID}",
    "rejected": f"a person said no: {UNPAID}",
    "timeout": f"nobody decided within 30 days: {UNPAID}",
    "payment_failed": "approved, and nothing was paid and nothing will be; the claim is in manual review",
    "failed": UNPAID,
    MANUAL: "something could not be undone, found out or closed, and a dead letter says what to do",
}
DECIDED = {"rejected": "no", "timeout": "none in time"}
ORDINARY = {
    "approve": "paid",
    "reject": "rejected",
    "invalid": "rejected_invalid",
    "silence": "timeout",
    "approve-early": "paid",
    "approve-before-deadline": "paid",
    "approve-at-deadline": "timeout",
    "approve-after-deadline": "timeout",
    "approve-twice": "paid",
    "approve-then-reject": "paid",
    "decision-fails": "failed",
}
ROWS = (
    Row(VALIDATE, ("refuse",), ("rejected_invalid",), "closed, no records request"),
    Row(VALIDATE, ("given up",), ("failed",), "nobody said that it is not valid; closed or parked"),
    Row(RECORDS, ("refuse", "down*"), ("failed",), "no live request; closed"),
    Row(RECORDS, ("given up",), ("failed", AS_WITHOUT), "no live request, unless it was found; closed"),
    Row(PAY, ("refuse", "down*"), ("payment_failed",), "in review"),
    Row(PAY, ("given up",), ("paid", "payment_failed"), "one payment, or none and a review"),
    Row(CLOSE, ("refuse", "given up"), (AS_WITHOUT, MANUAL), "parked; money stays"),
    Row(WITHDRAW, ("given up",), (AS_WITHOUT, MANUAL), "parked"),
    Row(REVIEW, ("refuse", "given up"), (AS_WITHOUT, MANUAL), "parked"),
)


def kept(facts: Facts, call: Call) -> bool:
    """Records may still be of use to those who look at an approved claim by hand."""
    return call[0] == RECORDS and insurer.decided_to_pay(facts)


def shows(facts: Facts) -> Iterator[Shown]:
    """What was paid, what was decided about which records, and where the claim's file is."""
    due = [facts.request.amount] if facts.status == "paid" else []
    yield Shown("paid:", insurer.in_words(insurer.payments(facts.final)), insurer.in_words(due))
    if facts.status in ENDED and not insurer.stuck(facts):
        yield Shown("records requests still live:", str(len(insurer.live(facts))), "0")
    if facts.status != "failed":
        right = "never" if facts.status == "rejected_invalid" else "before the decision"
        yield Shown("records were asked for:", insurer.asked_for_records(facts), right)
    if facts.status in DECIDED:
        yield Shown("the decision:", insurer.said(facts), DECIDED[facts.status])
    if facts.status == "payment_failed":
        yield Shown("in manual review:", "yes" if insurer.in_review(facts) else "no", "yes")
    elif facts.trace.result is not None and not insurer.followed_up(facts):
        yield Shown("the claim's file is", "open", "closed")


def _any(scenario: Scenario, world: type[World]) -> bool:
    """Every run is one."""
    return True


RULES = Rules(
    number=5,
    title="Insurance claim",
    statuses=STATUSES,
    ordinary=ORDINARY,
    rows=ROWS,
    shows=shows,
    kept=kept,
    ids={"payment_id": PAY},
    tells={
        PAY: lambda claim, amount: in_euros(amount) if isinstance(amount, int) else str(amount),
        CLOSE: lambda claim, reason: str(reason),
    },
    invariants=(
        Invariant(
            "E5-S1",
            "paid at most once, and exactly the claimed amount",
            "What is paid to a customer does not come back by itself.",
            3,
            claims.paid_once,
            unended=True,
        ),
        Invariant(
            "E5-S2",
            "a payment follows an approval that came in time",
            "Nobody may spend what nobody has allowed.",
            8,
            claims.approved_first,
            _any,
            unended=True,
        ),
        Invariant(
            "E5-S3",
            "the first decision counts; later ones get a Conflict",
            "Two people who answer at once must not both believe that they decided.",
            8,
            claims.first_decision,
            _any,
            points=0,
        ),
        Invariant(
            "E5-S4",
            "paid if and only if the money moved",
            "A status that is wrong about money is found by the customer.",
            4,
            claims.paid_if_so_told,
        ),
        Invariant(
            "E5-S5",
            "payment_failed: no money moved, a review item exists, the approval stands",
            "A person decided, so a person goes on: what could not be paid waits in a queue that is read.",
            8,
            claims.approved_and_not_paid,
            given_up,
        ),
        Invariant(
            "E5-S6",
            "a claim that is rejected, invalid, timed out or failed is never paid",
            "The customer was told no, and the file is closed. A payment now is nobody's decision.",
            8,
            claims.never_paid,
            _any,
        ),
        Invariant(
            "E5-S7",
            "every claim is closed with a reason, in review, or named in a dead letter",
            "A claim that is open and nobody's is found when the customer complains.",
            4,
            claims.closed,
        ),
        Invariant(
            "E5-S8",
            "no records are asked for when a claim ends without approval",
            "A hospital must not send what nobody may read any more.",
            4,
            claims.no_records,
        ),
        Invariant(
            "E5-L1",
            "the wait ends 30 days after it began, across crashes",
            "A timer in memory dies with the process, and starts from the beginning.",
            8,
            claims.thirty_days,
            _any,
        ),
        Invariant(
            "E5-L2",
            "close gets through once faults end",
            "Closing is the last step and cannot be undone: it is tried until it is done, or parked.",
            5,
            claims.close_gets_through,
        ),
        *COMMON,
    ),
)
