"""What must hold of a claim, whatever goes wrong: each promise is a function of one run."""

from __future__ import annotations

from grader.rules import Broken
from grader.rules import insurer_ledgers as insurer
from grader.rules.facts import MANUAL, Facts
from grader.rules.insurer_ledgers import CLOSE, PAY, RECORDS, REVIEW, VOID, WITHDRAW
from grader.rules.words import duration_in_words, in_euros

ENDED = ("rejected_invalid", "rejected", "timeout", "failed")
"""Statuses of a claim that nobody goes on with."""


def paid_once(facts: Facts) -> Broken | None:
    found, amount = insurer.payments(facts.final), facts.request.amount
    if found in ([], [amount]):
        return None
    expected = f"at most one payment, of exactly {in_euros(amount)}"
    return Broken(expected, f"paid was {insurer.in_words(found)}", insurer.moved(facts))


def approved_first(facts: Facts) -> Broken | None:
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


def first_decision(facts: Facts) -> Broken | None:
    if sum(told.what == "answer" and told.accepted for told in facts.trace.outside) < 2:
        return None
    return Broken("the first decision counts, and a later one gets a Conflict", "two decisions counted")


def paid_if_so_told(facts: Facts) -> Broken | None:
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


def approved_and_not_paid(facts: Facts) -> Broken | None:
    paid, status = insurer.payments(facts.final), facts.status
    if status in ENDED and not paid and insurer.decided_to_pay(facts) and facts.cancelled is None:
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


def never_paid(facts: Facts) -> Broken | None:
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


def closed(facts: Facts) -> Broken | None:
    """Not asked when `Cancelled` left the saga: it told nobody that it had dealt with the claim."""
    if facts.trace.result is None or facts.status == MANUAL or insurer.followed_up(facts):
        return None
    last = REVIEW if facts.status == "payment_failed" else CLOSE
    expected = "a claim that is over is closed, or in review, or named in a dead letter"
    observed, where = f"{facts.status}, and the claim stays open", facts.last(CLOSE)
    return Broken(expected, observed, where, "" if where else last)


def no_records(facts: Facts) -> Broken | None:
    if facts.status not in ENDED or insurer.stuck(facts):
        return None
    where, observed = facts.last(WITHDRAW), f"{facts.status}, and the hospital is still asked for records"
    expected = "a claim that ends without approval asks for no records"
    return Broken(expected, observed, where or facts.last(RECORDS), "" if where else WITHDRAW)


def thirty_days(facts: Facts) -> Broken | None:
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


def close_gets_through(facts: Facts) -> Broken | None:
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
