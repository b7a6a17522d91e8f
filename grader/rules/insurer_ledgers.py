"""What the insurer's ledgers say of one claim, and what people said about it."""

from __future__ import annotations

from typing import Any, NamedTuple

from grader.rules.facts import Facts
from grader.rules.words import in_euros
from saga_lab import events as e
from saga_lab.worlds.insurer import PATIENCE

VALIDATE, CLOSE, REVIEW = "claims.validate", "claims.close", "reviews.open"
RECORDS, WITHDRAW = "records.request", "records.withdraw"
PAY, VOID = "payments.pay", "payments.void"
HOUR = 3_600_000
Ledgers = dict[str, Any]


class Decision(NamedTuple):
    """The first answer that counted: when it came (ms), and what it was; None for an error."""

    at: int
    approved: bool | None


def payments(ledgers: Ledgers) -> list[int]:
    """What was paid for the claim, in cents, payment by payment."""
    return [payment["amount"] for payment in ledgers["payments"].values()]


def in_words(payments: list[int]) -> str:
    """Payments as people write them, or nothing."""
    return " and ".join(in_euros(amount) for amount in payments) or "nothing"


def moved(facts: Facts) -> int | None:
    """The number of the request that moved money last, else of the last that asked for it."""
    paid = [request.number for _, request in facts.effects("done") if request.operation == PAY]
    return paid[-1] if paid else facts.last(PAY)


# ---- the claim's file


def reason(facts: Facts, ledgers: Ledgers | None = None) -> str:
    """Why the claim was closed, in the end or as these ledgers say; empty while it is open."""
    return str((ledgers or facts.final)["claims"][facts.request.claim_id]["reason"])


def in_review(facts: Facts) -> bool:
    """Somebody will look at the claim by hand."""
    return bool(facts.final["reviews"])


def followed_up(facts: Facts) -> bool:
    """The claim is closed, or in review, or a dead letter says that it could be neither."""
    keys = {request.key for request in facts.requests if request.operation in (CLOSE, REVIEW)}
    parked = any(letter.key in keys for letter in facts.letters)
    return bool(reason(facts)) or in_review(facts) or parked


# ---- records


def live(facts: Facts) -> list[str]:
    """The keys of records requests that were not withdrawn."""
    return [key for key, state in facts.final["records"].items() if state != "withdrawn"]


def stuck(facts: Facts) -> bool:
    """No records request is live but those that could not be withdrawn, each named in a dead letter."""
    tried = {request.key for request in facts.requests if request.operation == WITHDRAW}
    return all(key in tried & facts.named for key in live(facts))


def asked_for_records(facts: Facts) -> str:
    """When the hospital was asked, as seen from the decision.

    Who waits from the start may be answered before the records are asked for, and a fault delays them: so
    what counts is a decision that came when all the rest could long have happened.
    """
    if not facts.final["records"]:
        return "never"
    told, began = decision(facts), waited_since(facts)
    if facts.scenario.faults or told is None or began is None or told.at - began < HOUR:
        return "before the decision"
    first = next(request for request in facts.requests if request.operation == RECORDS)
    return "before the decision" if first.sent < told.at else "after the decision"


# ---- the decision


def decision(facts: Facts) -> Decision | None:
    """What the saga was told in time; None when nobody answered."""
    told = [x for x in facts.trace.outside if x.what == "answer"]
    answers = zip(told, facts.world.cases[facts.trace.case].answers, strict=False)
    said = next(((x.at, answer) for x, answer in answers if x.accepted), None)
    if said is None:
        return None
    at, answer = said
    return Decision(at, None if answer.refused else bool(answer.value.approved))


def said(facts: Facts) -> str:
    """The decision in words."""
    told, end = decision(facts), deadline(facts)
    if told is None or (end is not None and told.at >= end):
        return "none in time"
    return {True: "yes", False: "no", None: "an error"}[told.approved]


def approved(facts: Facts) -> bool:
    """A person said yes, in time."""
    return said(facts) == "yes"


def decided_to_pay(facts: Facts) -> bool:
    """The claim was approved, and came as far as its payment."""
    return approved(facts) and facts.last(PAY) is not None


def waited_since(facts: Facts) -> int | None:
    """When the wait for the decision began (ms); None when it never did."""
    began = next((event.at for event in facts.trace.journal if isinstance(event, e.PromiseAwaited)), None)
    return None if began is None else round((began - facts.trace.epoch) * 1000)


def deadline(facts: Facts) -> int | None:
    """When it is over (ms): 30 days after it began."""
    began = waited_since(facts)
    return None if began is None else began + round(PATIENCE * 1000)
