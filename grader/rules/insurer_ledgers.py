"""What the insurer's ledgers say of one claim, and what people said about it."""

from __future__ import annotations

from typing import Any, NamedTuple

from grader.rules.facts import Facts
from saga_lab import events as e
from saga_lab.worlds.insurer import PATIENCE

Ledgers = dict[str, Any]


class Decision(NamedTuple):
    """The first answer that counted: when it came (ms), and what it was; None for an error."""

    at: int
    approved: bool | None


def payments(ledgers: Ledgers) -> list[int]:
    """What was paid for the claim, in cents, payment by payment."""
    return [payment["amount"] for payment in ledgers["payments"].values()]


def reason(facts: Facts) -> str:
    """Why the claim was closed; empty while it is open."""
    return str(facts.final["claims"][facts.request.claim_id]["reason"])


def in_review(facts: Facts) -> bool:
    """Somebody will look at the claim by hand."""
    return bool(facts.final["reviews"])


def live(facts: Facts) -> list[str]:
    """The keys of records requests that were not withdrawn."""
    return [key for key, state in facts.final["records"].items() if state != "withdrawn"]


def decision(facts: Facts) -> Decision | None:
    """What the saga was told in time; None when nobody answered."""
    told = [x for x in facts.trace.outside if x.what == "answer"]
    answers = zip(told, facts.world.cases[facts.trace.case].answers, strict=False)
    said = next(((x.at, answer) for x, answer in answers if x.accepted), None)
    if said is None:
        return None
    at, answer = said
    return Decision(at, None if answer.refused else bool(answer.value.approved))


def deadline(facts: Facts) -> int | None:
    """When the wait for the decision is over (ms): days after it began; None when it never did."""
    began = next((event.at for event in facts.trace.journal if isinstance(event, e.PromiseAwaited)), None)
    return None if began is None else round((began + PATIENCE - facts.trace.epoch) * 1000)


def approved(facts: Facts) -> bool:
    """A person said yes, in time."""
    said, end = decision(facts), deadline(facts)
    return said is not None and said.approved is True and (end is None or said.at < end)
