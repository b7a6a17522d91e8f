"""Exercise 5, the claim: what each status promises, and what must hold at the insurer."""

from __future__ import annotations

from collections.abc import Iterator

from grader.rules import AS_WITHOUT, Broken, Invariant, Row, Rules, Shown
from grader.rules import insurer_ledgers as insurer
from grader.rules.common import COMMON
from grader.rules.facts import MANUAL, Call, Facts
from grader.rules.insurer_ledgers import CLOSE, PAY, RECORDS, REVIEW, VALIDATE, VOID, WITHDRAW
from grader.rules.scenarios import given_up
from grader.rules.words import duration_in_words, in_euros
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
ENDED = ("rejected_invalid", "rejected", "timeout", "failed")
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
    Row(VALIDATE, ("given up",), ("failed",), "closed or parked, not called invalid"),
    Row(RECORDS, ("refuse", "down*"), ("failed",), "no live request; closed"),
    Row(RECORDS, ("given up",), ("failed", AS_WITHOUT), "no live request, unless it was found; closed"),
    Row(PAY, ("refuse", "down*"), ("payment_failed",), "in review"),
    Row(PAY, ("given up",), ("paid", "payment_failed"), "one payment, or none and a review"),
    Row(CLOSE, ("refuse", "given up"), (AS_WITHOUT, MANUAL), "parked; money stays"),
    Row(WITHDRAW, ("given up",), (AS_WITHOUT, MANUAL), "parked"),
    Row(REVIEW, ("refuse", "given up"), (AS_WITHOUT, MANUAL), "parked"),
)


def decided_to_pay(facts: Facts) -> bool:
    """The claim was approved, and came as far as its payment."""
    return insurer.approved(facts) and facts.last(PAY) is not None


def kept(facts: Facts, call: Call) -> bool:
    """Records may still be of use to those who look at an approved claim by hand."""
    return call[0] == RECORDS and decided_to_pay(facts)


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


# ---- the promises


def _paid_once(facts: Facts) -> Broken | None:
    found, amount = insurer.payments(facts.final), facts.request.amount
    if found in ([], [amount]):
        return None
    expected = f"at most one payment, of exactly {in_euros(amount)}"
    return Broken(expected, f"paid was {insurer.in_words(found)}", insurer.moved(facts))


def _approved_first(facts: Facts) -> Broken | None:
    """Looked at when money first moved."""
    paid = next((x for x in facts.trace.instants if insurer.payments(x.ledgers)), None)
    told = insurer.decision(facts)
    if paid is None or (insurer.approved(facts) and told is not None and told.at <= paid.at):
        return None
    if told is None or told.at > paid.at:
        observed = "paid, and nobody had approved it"
    elif insurer.said(facts) == "none in time":
        observed = "paid, and the decision came when the 30 days were over"
    else:
        observed = f"paid, and the decision was {insurer.said(facts)}"
    expected = "a payment follows an approval that came before the deadline"
    return Broken(expected, observed, paid.number)


def _first_decision(facts: Facts) -> Broken | None:
    if sum(told.what == "answer" and told.accepted for told in facts.trace.outside) < 2:
        return None
    return Broken("the first decision counts, and a later one gets a Conflict", "two decisions counted")


def _paid_if_so_told(facts: Facts) -> Broken | None:
    done, found = facts.status == "paid", sum(insurer.payments(facts.final))
    if facts.status == MANUAL or found == (facts.request.amount if done else 0):
        return None
    expected = f"{facts.status} promises that {'the amount' if done else 'nothing'} was paid"
    observed = f"{facts.status}, and {in_euros(found) if found else 'nothing'} was paid"
    if facts.status == "payment_failed":
        return _not_stopped(facts, expected, observed)
    where = insurer.moved(facts)
    return Broken(expected, observed, where, "" if where else PAY)


def _not_stopped(facts: Facts, expected: str, observed: str) -> Broken:
    """The money went, though the call had failed: `void` was where that could be told."""
    asked = facts.last(VOID)
    why = "The call failed for you, but the bank did it. Look up its key, or void it, before you decide."
    return Broken(expected, observed, asked or facts.last(PAY), "" if asked else VOID, why)


def _approved_and_not_paid(facts: Facts) -> Broken | None:
    paid, status = insurer.payments(facts.final), facts.status
    if status in ENDED and not paid and decided_to_pay(facts) and facts.cancelled is None:
        observed = f"{status}, though a person had approved it and only the payment failed"
        why = "A person decided: you cannot take that back. What is left to do goes into manual review."
        return Broken("approved and not paid is payment_failed", observed, facts.last(PAY), why=why)
    if status != "payment_failed":
        return None
    if paid:
        observed = f"payment_failed, and paid was {insurer.in_words(paid)}"
        return _not_stopped(facts, "payment_failed promises that no money moved", observed)
    if not insurer.approved(facts):
        observed = "payment_failed, and nobody had approved it in time"
        return Broken("payment_failed is for an approved claim", observed, facts.last(PAY))
    if not insurer.in_review(facts):
        where = facts.last(REVIEW)
        observed = "payment_failed, and no item in the queue"
        return Broken("payment_failed promises a review item", observed, where, "" if where else REVIEW)
    return None


def _never_paid(facts: Facts) -> Broken | None:
    """Neither after any of those ends, nor when the file was closed before the money went."""
    paid = next((x for x in facts.trace.instants if insurer.payments(x.ledgers)), None)
    if paid is None or facts.status == MANUAL:
        return None
    if facts.status in ENDED or not insurer.approved(facts):
        observed = f"{facts.status}, and {insurer.in_words(insurer.payments(paid.ledgers))} was paid"
        return Broken("only an approved claim is paid", observed, paid.number)
    if closed := insurer.reason(facts, paid.ledgers):
        observed = f"paid, when the claim was closed already: {closed}"
        return Broken("only an open claim is paid, and closed after that", observed, paid.number)
    return None


def _closed(facts: Facts) -> Broken | None:
    """Not asked when `Cancelled` left the saga: it told nobody that it had dealt with the claim."""
    if facts.trace.result is None or facts.status == MANUAL or insurer.followed_up(facts):
        return None
    last = REVIEW if facts.status == "payment_failed" else CLOSE
    expected = "a claim that is over is closed, or in review, or named in a dead letter"
    observed, where = f"{facts.status}, and the claim stays open", facts.last(CLOSE)
    return Broken(expected, observed, where, "" if where else last)


def _no_records(facts: Facts) -> Broken | None:
    if facts.status not in ENDED or insurer.stuck(facts):
        return None
    where, observed = facts.last(WITHDRAW), f"{facts.status}, and the hospital is still asked for records"
    expected = "a claim that ends without approval asks for no records"
    return Broken(expected, observed, where or facts.last(RECORDS), "" if where else WITHDRAW)


def _thirty_days(facts: Facts) -> Broken | None:
    """From when the wait began, by the insurer's calendar; a crash costs no time but its own."""
    end, trace = insurer.deadline(facts), facts.trace
    if facts.status != "timeout":
        return None
    expected = "the wait ends 30 days after it began, across crashes"
    if end is None:
        return Broken(expected, "timeout, and nobody waited for the decision")
    if trace.ended is not None and trace.ended < end:
        early = duration_in_words(end - trace.ended)
        return Broken(expected, f"timeout, {early} before the 30 days were over")
    woke = min((r.sent for r in facts.requests if r.sent >= end), default=trace.ended or end)
    down = sum(crash.up - crash.at for crash in trace.crashes if crash.up >= end)
    if (late := woke - end - down) > 1000:
        return Broken(expected, f"it went on {duration_in_words(late)} after the 30 days were over")
    return None


def _close_gets_through(facts: Facts) -> Broken | None:
    """Once faults end: what was not refused, and can be reached again, is closed or put into review."""
    last = (CLOSE, REVIEW)
    hopeless = any(x.operation in last and (x.endless or x.word == "refuse") for x in facts.struck)
    settled = bool(insurer.reason(facts)) or insurer.in_review(facts)
    if hopeless or settled or facts.status in (MANUAL, "payment_failed") or facts.trace.result is None:
        return None
    tries = sum(request.operation == CLOSE for request in facts.requests)
    if not tries:
        return Broken("the claim is closed", "close was never asked for", missing=CLOSE)
    observed = f"{'one try' if tries == 1 else f'{tries} tries'}, and the claim stays open"
    return Broken("close is tried again until it gets through", observed, facts.last(CLOSE))


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
            _paid_once,
            unended=True,
        ),
        Invariant(
            "E5-S2",
            "a payment follows an approval that came in time",
            "Nobody may spend what nobody has allowed.",
            8,
            _approved_first,
            _any,
            unended=True,
        ),
        Invariant(
            "E5-S3",
            "the first decision counts; later ones get a Conflict",
            "Two people who answer at once must not both believe that they decided.",
            8,
            _first_decision,
            _any,
            points=0,
        ),
        Invariant(
            "E5-S4",
            "paid if and only if the money moved",
            "A status that is wrong about money is found by the customer.",
            4,
            _paid_if_so_told,
        ),
        Invariant(
            "E5-S5",
            "payment_failed: no money moved, a review item exists, the approval stands",
            "A person decided, so a person goes on: what could not be paid waits in a queue that is read.",
            8,
            _approved_and_not_paid,
            given_up,
        ),
        Invariant(
            "E5-S6",
            "a claim that is rejected, invalid, timed out or failed is never paid",
            "The customer was told no, and the file is closed. A payment now is nobody's decision.",
            8,
            _never_paid,
            _any,
        ),
        Invariant(
            "E5-S7",
            "every claim is closed with a reason, in review, or named in a dead letter",
            "A claim that is open and nobody's is found when the customer complains.",
            4,
            _closed,
        ),
        Invariant(
            "E5-S8",
            "no records are asked for when a claim ends without approval",
            "A hospital must not send what nobody may read any more.",
            4,
            _no_records,
        ),
        Invariant(
            "E5-L1",
            "the wait ends 30 days after it began, across crashes",
            "A timer in memory dies with the process, and starts from the beginning.",
            8,
            _thirty_days,
            _any,
        ),
        Invariant(
            "E5-L2",
            "close gets through once faults end",
            "Closing is the last step and cannot be undone: it is tried until it is done, or parked.",
            5,
            _close_gets_through,
        ),
        *COMMON,
    ),
)
