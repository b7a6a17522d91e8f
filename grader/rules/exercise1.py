"""Exercise 1, the order: what each status promises, and what must hold in the shop."""

from __future__ import annotations

from typing import Any

from grader.rules import Broken, Invariant, Rules
from grader.rules.common import L_1, L_2, L_4, S_1, S_2, S_3, S_4, S_5, S_7, S_8, S_9, S_10
from grader.rules.facts import MANUAL, Facts
from saga_lab.worlds.shop import OrderRequest, ShopWorld

STATUSES = {
    "completed": "the customer paid the exact amount, and exactly one parcel left",
    "failed": "the customer paid nothing, nothing is reserved, nothing left",
    MANUAL: "something could not be undone or found out, and a dead letter says what a person must do",
}
CRITICAL = ("payments.charge", "inventory.reserve", "shipping.create")


def _order(facts: Facts) -> OrderRequest:
    order = ShopWorld.cases[facts.trace.case].request
    assert isinstance(order, OrderRequest)
    return order


def _charged(ledgers: dict[str, Any]) -> int:
    return sum(charge["amount"] for charge in ledgers["payments"].values() if charge["state"] == "charged")


def _parcels(ledgers: dict[str, Any]) -> int:
    return sum(parcel["state"] == "live" for parcel in ledgers["shipping"].values())


def _pieces(ledgers: dict[str, Any], where: str) -> dict[str, int]:
    """How many of each article are reserved, or shipped."""
    stock = ledgers["inventory"]
    count = {
        sku: sum(x["reserved"].values()) if where == "reserved" else x["shipped"] for sku, x in stock.items()
    }
    return {sku: pieces for sku, pieces in count.items() if pieces}


def _told(pieces: dict[str, int]) -> str:
    return " and ".join(f"{count} of {sku}" for sku, count in pieces.items()) or "nothing"


def _euros(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


def _last(facts: Facts, operation: str) -> int | None:
    """The last request of an operation: where its story turned."""
    return next((r.number for r in reversed(facts.trace.requests) if r.operation == operation), None)


def _missing(facts: Facts, operation: str) -> str:
    return "" if _last(facts, operation) else operation


# ---- the promises


def _true_status(facts: Facts) -> Broken | None:
    """Right in this scenario, and shown by the world. Finite faults are left to L-4, mail to E1-S6."""
    status, expected = facts.status, f"one of {', '.join(STATUSES)}"
    if status not in STATUSES:
        return Broken(expected, f"the saga returned {facts.trace.result!r}")
    if status == MANUAL:
        return _true_manual(facts)
    refused = next((r for r in facts.refused if r.operation in CRITICAL), None)
    if refused is not None and status == "completed":
        return Broken("failed", f"completed, although {refused.operation} said no", refused.number)
    final = facts.final
    shown = {
        "paid": _euros(_charged(final)),
        "reserved": _told(_pieces(final, "reserved")),
        "parcels": _parcels(final),
    }
    promised: dict[str, Any] = {"paid": "0.00", "reserved": "nothing", "parcels": 0}
    if status == "completed":
        promised = {"paid": _euros(_order(facts).amount), "reserved": "nothing", "parcels": 1}
    wrong = [
        f"{name} {shown[name]} instead of {promised[name]}"
        for name in promised
        if shown[name] != promised[name]
    ]
    if wrong:
        return Broken(f"{status}: {STATUSES[status]}", f"{status}, but {', '.join(wrong)}")
    if status == "completed" and not all(
        (facts.trace.result or {}).get(x) for x in ("payment_id", "reservation_id", "shipment_id")
    ):
        return Broken("a completed result names payment, reservation and shipment", f"{facts.trace.result}")
    return None


def _true_manual(facts: Facts) -> Broken | None:
    """Only where an undo, a look-up or the pivot never gets an answer, and never without a whole letter."""
    if not facts.for_good("undo", "look-up", "pivot"):
        return Broken(
            "completed or failed: everything could still be found out or undone",
            f"{MANUAL}, although every undo and every look-up answers",
        )
    if not any(letter.key and letter.step and letter.attempts and letter.reason for letter in facts.letters):
        return Broken("a dead letter with step, key, attempts and what to do", "there is no such letter")
    return None


def _net_charge(facts: Facts) -> Broken | None:
    if facts.status == MANUAL:
        return None
    due = _order(facts).amount if facts.status == "completed" else 0
    paid = _charged(facts.final)
    if paid == due:
        return None
    return Broken(
        f"{facts.status} promised a net charge of {_euros(due)}",
        f"{facts.status}, and the customer has paid {_euros(paid)}",
        _last(facts, "payments.refund") or _last(facts, "payments.charge"),
        _missing(facts, "payments.refund" if due < paid else "payments.charge"),
    )


def _stock(facts: Facts) -> Broken | None:
    before = facts.trace.instants[0].ledgers["inventory"]
    for instant in facts.trace.instants:
        for sku, stock in instant.ledgers["inventory"].items():
            total = stock["on hand"] + sum(stock["reserved"].values()) + stock["shipped"]
            if total != before[sku]["on hand"]:
                return Broken(
                    "no piece is lost or made",
                    f"{sku}: {total} pieces instead of {before[sku]['on hand']}",
                    instant.number,
                )
    if facts.status == MANUAL:
        return None
    due = {item.sku: item.quantity for item in _order(facts).items} if facts.status == "completed" else {}
    reserved, shipped = _pieces(facts.final, "reserved"), _pieces(facts.final, "shipped")
    if reserved:
        where = _last(facts, "inventory.release") or _last(facts, "inventory.reserve")
        observed = f"{facts.status}, and {_told(reserved)} still reserved"
        return Broken(
            "nothing stays reserved for an order that is over",
            observed,
            where,
            _missing(facts, "inventory.release"),
        )
    if shipped != due:
        return Broken(
            f"shipped: {_told(due)}",
            f"{facts.status}, and {_told(shipped)} is shipped",
            _last(facts, "shipping.create"),
        )
    return None


def _one_parcel(facts: Facts) -> Broken | None:
    due = 1 if facts.status == "completed" else 0
    if facts.status == MANUAL or _parcels(facts.final) == due:
        return None
    found = _parcels(facts.final)
    missing = _missing(facts, "shipping.cancel") if found > due else _missing(facts, "shipping.create")
    return Broken(
        f"{facts.status} promised {due} parcel{'' if due == 1 else 's'}",
        f"{facts.status}, and {found} left",
        _last(facts, "shipping.create"),
        missing,
    )


def _paid_parcel(facts: Facts) -> Broken | None:
    for instant in facts.trace.instants:
        if _parcels(instant.ledgers) and _charged(instant.ledgers) < _order(facts).amount:
            return Broken(
                "while a parcel is on its way, its payment stands",
                "the parcel left, and the money did not stay",
                instant.number,
            )
    return None


def _mail(facts: Facts) -> Broken | None:
    sent = 0
    for instant in facts.trace.instants:
        if len(instant.ledgers["mail"]) > sent:
            sent = len(instant.ledgers["mail"])
            if not _parcels(instant.ledgers):
                return Broken(
                    "no mail before the parcel",
                    "the customer was told of a parcel that did not exist",
                    instant.number,
                )
    if sent > 1:
        return Broken("at most one mail", f"{sent} identical mails", _last(facts, "mail.send"))
    if sent and facts.status == "failed":
        return Broken("no mail for a failed order", "the customer got one", _last(facts, "mail.send"))
    return None


def _mail_is_not_critical(facts: Facts) -> Broken | None:
    faults = facts.scenario.faults
    if (
        not faults
        or any(fault.site.operation != "mail.send" for fault in faults)
        or facts.status == "completed"
    ):
        return None
    return Broken(
        "a fault on mail changes neither the status nor another service: completed",
        f"{facts.status}: a mail server cancelled a paid, shipped order",
        _last(facts, "mail.send"),
    )


def _mail_is_tried_or_parked(facts: Facts) -> Broken | None:
    if facts.status != "completed":
        return None
    asked = [r for r in facts.trace.requests if r.operation == "mail.send"]
    if not asked:
        return Broken("the customer is told", "no mail was ever sent", missing="mail.send")
    if any(r.answer == "value" for r in asked):
        return None
    if len(asked) == 1 and asked[0].answer != "refused":
        return Broken("mail is tried again before it is given up", "it was tried once", asked[0].number)
    if not any(letter.key == asked[-1].key for letter in facts.letters):
        return Broken(
            "a mail that could not be sent is parked", "no dead letter names it", asked[-1].number, "park"
        )
    return None


RULES = Rules(
    number=1,
    title="E-commerce order",
    statuses=STATUSES,
    invariants=(
        Invariant(
            "S-0",
            "the status is true",
            "A status is a promise about the world. Whoever reads it acts on it and looks no further.",
            _true_status,
        ),
        Invariant(
            "E1-S1",
            "the customer pays the exact amount if completed, and nothing if not",
            "Money is what customers look at first. A charge that may have happened is found out or undone.",
            _net_charge,
        ),
        Invariant(
            "E1-S2",
            "no piece is lost; what is not shipped goes back on the shelf",
            "Goods that are set aside for an order that is over are goods that nobody can buy.",
            _stock,
        ),
        Invariant(
            "E1-S3",
            "exactly one parcel if completed, none if not",
            "If the shipment may exist, it is what you undo first.",
            _one_parcel,
        ),
        Invariant(
            "E1-S4",
            "while a parcel is on its way, its payment stands",
            "Undo newest first: cancel the parcel before you give the money back.",
            _paid_parcel,
        ),
        Invariant(
            "E1-S5",
            "at most one mail, and only about a parcel that exists",
            "Mail cannot be undone, so it comes last, and under one key.",
            _mail,
        ),
        Invariant(
            "E1-S6",
            "a fault on mail changes nothing else",
            "Mail is not critical: the order is complete without it.",
            _mail_is_not_critical,
        ),
        Invariant(
            "E1-L1",
            "mail is tried again, and parked when it could not be sent",
            "Not critical does not mean forgotten: somebody must be able to send it later.",
            _mail_is_tried_or_parked,
        ),
        S_1,
        S_2,
        S_3,
        S_4,
        S_5,
        S_7,
        S_8,
        S_9,
        S_10,
        L_1,
        L_2,
        L_4,
    ),
)
