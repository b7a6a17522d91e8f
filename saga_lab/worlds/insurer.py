"""The world of exercise 5: an insurer that validates claims, asks for records, decides, and pays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Protocol

import msgspec
from msgspec import Struct

from saga_lab.context import Lookup
from saga_lab.errors import Refused
from saga_lab.worlds.money import in_cents
from saga_lab.worlds.service import Service, action, operations, undo
from saga_lab.worlds.variation import USUAL, Variation
from saga_lab.worlds.world import Answer, Case, World, named

DAY = 86_400.0
ANSWERED = 3 * DAY
"""Seconds after which the hospital has sent the records."""
PATIENCE = 30 * DAY
"""Seconds for which a claim waits for its decision."""


@dataclass
class ClaimRequest:
    """A claim under a policy; `amount` in cents."""

    claim_id: str
    policy_id: str
    amount: int


@dataclass
class ClaimResult:
    """`status`: paid, rejected_invalid, rejected, timeout, payment_failed, failed or
    manual_intervention_required. The id is empty unless paid.
    """

    status: str
    payment_id: str = ""


@dataclass
class Approval:
    """What a person decided: the answer to the promise "approval"."""

    approved: bool
    by: str = ""
    reason: str = ""


# ---- what a saga sees


class Claims(Protocol):
    """The file of each claim; both operations are safe to repeat."""

    async def validate(self, key: str, claim_id: str, amount: int) -> bool: ...
    async def close(self, key: str, claim_id: str, reason: str) -> None: ...


class Records(Protocol):
    """Asks a hospital for medical records."""

    async def request(self, key: str, claim_id: str) -> str: ...
    async def withdraw(self, key: str) -> None: ...
    async def find(self, key: str) -> Lookup: ...


class Payments(Protocol):
    """Pays claims. What is paid cannot be called back: `void` stops only what has not happened yet."""

    async def pay(self, key: str, claim_id: str, amount: int) -> str: ...
    async def void(self, key: str) -> None: ...
    async def find(self, key: str) -> Lookup: ...


class Reviews(Protocol):
    """The queue of those who look at claims by hand; safe to repeat."""

    async def open(self, key: str, claim_id: str, reason: str) -> str: ...


class Insurer(Protocol):
    """The services of a claim."""

    claims: Claims
    records: Records
    payments: Payments
    reviews: Reviews


# ---- what they are


class _Claims(Service):
    def __init__(self, claim: ClaimRequest, valid: bool) -> None:
        super().__init__()
        self.claim_id = claim.claim_id
        self.amount = claim.amount
        self.valid = valid
        self.reason = ""
        self.history: list[str] = []

    def ledger(self) -> Any:
        state = "closed" if self.reason else "open"
        return {self.claim_id: {"state": state, "reason": self.reason, "history": list(self.history)}}

    @action("read", look_up=False)
    def validate(self, key: str, claim_id: str, amount: int) -> bool:
        self.known(claim_id)
        if amount != self.amount:
            raise Refused(f"{claim_id} is over {self.amount} cents, not {amount}", "bad_argument")
        self.history.append("found valid" if self.valid else "found invalid")
        return self.valid

    @action("retriable", look_up=False)
    def close(self, key: str, claim_id: str, reason: str) -> None:
        self.known(claim_id)
        if not reason:
            raise Refused("a claim is closed for a reason", "bad_argument")
        self.reason = reason
        self.history.append(f"closed: {reason}")

    def known(self, claim_id: str) -> None:
        """Raises Refused for a claim that nobody made."""
        if claim_id != self.claim_id:
            raise Refused(f"there is no claim {claim_id}", "bad_argument")


class _Records(Service):
    def __init__(self, claims: _Claims) -> None:
        super().__init__()
        self.claims = claims
        self.states: dict[str, str] = {}
        self.answers: dict[str, float] = {}

    def ledger(self) -> Any:
        return dict(self.states)

    @action("compensable")
    def request(self, key: str, claim_id: str) -> str:
        self.claims.known(claim_id)
        self.states[key] = "open"
        self.answers[key] = round(self.now + ANSWERED, 3)
        return self.variation.name(f"records-{len(self.states)}")

    @undo("request")
    def withdraw(self, key: str) -> None:
        self.states[key] = "withdrawn"
        self.answers.pop(key, None)

    def receive(self) -> bool:
        """Take in the records that have come; says whether any have."""
        come = [key for key, at in self.answers.items() if at <= self.now]
        for key in come:
            self.states[key] = "received"
            del self.answers[key]
        return bool(come)


class _Payments(Service):
    def __init__(self, claims: _Claims) -> None:
        super().__init__()
        self.claims = claims
        self.paid: dict[str, tuple[str, int]] = {}

    def ledger(self) -> Any:
        return {key: {"claim": claim, "amount": amount} for key, (claim, amount) in self.paid.items()}

    @action("pivot")
    def pay(self, key: str, claim_id: str, amount: int) -> str:
        self.claims.known(claim_id)
        if amount <= 0:
            raise Refused(f"{amount} cents cannot be paid", "bad_argument")
        self.paid[key] = (claim_id, amount)
        return self.variation.name(f"payment-{len(self.paid)}")

    @undo("pay")
    def void(self, key: str) -> None:
        raise Refused(f"{self.paid[key][1]} cents have been paid out: they cannot be called back", "spent")


class _Reviews(Service):
    def __init__(self, claims: _Claims) -> None:
        super().__init__()
        self.claims = claims
        self.queue: dict[str, tuple[str, str]] = {}

    def ledger(self) -> Any:
        return {key: {"claim": claim, "reason": reason} for key, (claim, reason) in self.queue.items()}

    @action("retriable", look_up=False)
    def open(self, key: str, claim_id: str, reason: str) -> str:
        self.claims.known(claim_id)
        self.queue[key] = (claim_id, reason)
        return self.variation.name(f"review-{len(self.queue)}")


YES = Approval(True, "alex", "covered")
NO = Approval(False, "kim", "not covered")


def _days(days: float, decision: Approval) -> Answer:
    return Answer("approval", decision, after=days * DAY, since="wait")


def _near_deadline(seconds: float) -> Answer:
    """An approval near the end of the days that a claim waits, by the insurer's calendar."""
    return Answer("approval", YES, after=PATIENCE + seconds, since="wait")


def _cases(variation: Variation) -> Iterator[Case]:
    claim = ClaimRequest(variation.name("claim-001"), variation.name("policy-77"), variation.cents(250_000))
    cases: list[tuple[str, str, tuple[Answer, ...]]] = [
        ("approve", "a claim approved on day 5", (_days(5, YES),)),
        ("reject", "a claim rejected on day 5", (_days(5, NO),)),
        ("invalid", "a claim that is not valid", ()),
        ("silence", "a claim that nobody decides", ()),
        (
            "approve-early",
            "a claim approved before the saga waits",
            (Answer("approval", YES, after=0.01),),
        ),
        ("approve-before-deadline", "an approval just in time", (_near_deadline(-0.001),)),
        ("approve-at-deadline", "an approval at the very deadline", (_near_deadline(0.0),)),
        ("approve-after-deadline", "an approval just too late", (_near_deadline(0.001),)),
        ("approve-twice", "a claim approved twice", (_days(5, YES), _days(5, YES))),
        ("approve-then-reject", "a claim approved, then rejected", (_days(5, YES), _days(5, NO))),
        (
            "decision-fails",
            "a decision that ends in an error",
            (Answer("approval", refused="the reviewer's system failed", after=5 * DAY, since="wait"),),
        ),
    ]
    for case, says, answers in cases:
        yield Case(case, claim, says, case in ("approve", "reject", "invalid", "silence"), answers)


class InsurerWorld(World):
    """The insurer during one run, with one claim over 2,500.00."""

    name = "insurer"
    function = "claim_saga"
    services_type = Insurer
    request_type = ClaimRequest
    result_type = ClaimResult
    operations = operations(
        {"claims": _Claims, "records": _Records, "payments": _Payments, "reviews": _Reviews},
        ["claims.validate", "records.request", "payments.pay", "claims.close", "reviews.open"],
    )
    cases: ClassVar = named(_cases(USUAL))

    def __init__(self, case: str = "") -> None:
        super().__init__(case)
        claims = _Claims(self.case.request, valid=self.case.name != "invalid")
        self.records = _Records(claims)
        self.services = {
            "claims": claims,
            "records": self.records,
            "payments": _Payments(claims),
            "reviews": _Reviews(claims),
        }

    @classmethod
    def told(cls, variation: Variation) -> Mapping[str, Case]:
        return named(_cases(variation))

    @staticmethod
    def saga_id(request: ClaimRequest) -> str:
        return request.claim_id

    def due(self) -> float | None:
        return min(self.records.answers.values(), default=None)

    def pass_time(self) -> bool:
        """Take in the records that have come."""
        return self.records.receive()


# ---- the seed's JSON


class _ClaimJson(Struct, rename="camel"):
    claim_id: str
    policy_id: str
    amount: Decimal


class _ResultJson(Struct, rename="camel", omit_defaults=True):
    status: str
    payment_id: str = ""


def claim_from_json(text: str | bytes) -> ClaimRequest:
    """Read a claim as the web sends it: camelCase, and 99.99 for 9999 cents, without float arithmetic.

    Raises ValueError (msgspec.ValidationError among them) when it is not a claim in whole cents.
    """
    asked = msgspec.json.decode(text, type=_ClaimJson)
    return ClaimRequest(asked.claim_id, asked.policy_id, in_cents(asked.amount))


def result_to_json(result: ClaimResult) -> bytes:
    """Write a result as the web expects it: camelCase, an empty id left out."""
    return msgspec.json.encode(_ResultJson(result.status, result.payment_id))
