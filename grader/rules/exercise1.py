"""Exercise 1, the order: what each status promises, and what must hold in the shop."""

from __future__ import annotations

from collections.abc import Iterator

from grader.rules import Broken, Invariant, Row, Rules, Shown
from grader.rules import shop_ledgers as shop
from grader.rules.aside import changes_nothing, only, tried_or_parked
from grader.rules.common import COMMON
from grader.rules.facts import MANUAL, Facts
from grader.rules.words import in_euros

STATUSES = {
    "completed": "the customer paid the exact amount and exactly one parcel left",
    "failed": "the customer paid nothing, nothing stays reserved, nothing left",
    MANUAL: "something could not be undone or found out, and a dead letter says what to do",
}
ORDINARY = {"one-item": "completed", "two-items": "completed", "too-many": "failed"}
CHARGE, RESERVE, SHIP, MAIL = "payments.charge", "inventory.reserve", "shipping.create", "mail.send"
ROWS = (
    Row(CHARGE, ("refuse", "down*"), ("failed",), "nothing happened"),
    Row(CHARGE, ("given up",), ("failed", "completed"), "net zero; a late charge meets the tombstone"),
    Row(RESERVE, ("refuse",), ("failed",), "refunded"),
    Row(RESERVE, ("given up",), ("failed", "completed"), "released or tombstoned, refunded"),
    Row(SHIP, ("refuse",), ("failed",), "released, refunded"),
    Row(SHIP, ("given up",), ("failed", "completed"), "shipment cancelled, then released, then refunded"),
    Row(MAIL, ("refuse", "given up"), ("completed",), "parked"),
)


def shows(facts: Facts) -> Iterator[Shown]:
    """What the customer paid, what is put aside, what left."""
    done, final = facts.status == "completed", facts.final
    due = facts.request.amount if done else 0
    yield Shown("paid", in_euros(shop.paid(final)), in_euros(due))
    yield Shown("reserved", shop.in_pieces(shop.reserved(final)), "nothing")
    yield Shown("left", shop.in_parcels(shop.parcels(final)), shop.in_parcels(1 if done else 0))


# ---- the promises


def _net_charge(facts: Facts) -> Broken | None:
    due, paid = facts.request.amount if facts.status == "completed" else 0, shop.paid(facts.final)
    customer = facts.request.customer_id
    if strangers := shop.payers(facts.final) - {customer}:
        observed = f"{' and '.join(sorted(strangers))} paid for the order of {customer}"
        return Broken("nobody pays but the customer of the order", observed, facts.last(CHARGE))
    if paid == due or facts.status == MANUAL:
        return None
    expected = f"{facts.status} promises a net charge of {in_euros(due)}"
    if paid < due:
        where = facts.last("payments.refund") or facts.last(CHARGE)
        observed = f"{facts.status}, and the customer has paid {in_euros(paid)}"
        return Broken(expected, observed, where, "" if where else CHARGE)
    if facts.status == "completed":
        charges = [request.number for _, request in facts.effects("done") if request.operation == CHARGE]
        why = "A repeat must carry the key of the first attempt, or the customer pays for each."
        return Broken(
            expected, f"completed, and the customer has paid {in_euros(paid)}", charges[-1], why=why
        )
    refund = facts.last("payments.refund")
    told = any(r.operation == CHARGE and r.answer == "value" for r in facts.requests)
    return Broken(
        expected,
        f"{facts.status}, and the customer has paid {in_euros(paid)} and gets nothing",
        refund or facts.last(CHARGE),
        "" if refund else "payments.refund",
        why=""
        if told
        else "The call failed for you, but the service did it. What may have happened needs an undo, "
        "registered before the call, under a key you know without an answer.",
    )


def _stock(facts: Facts) -> Broken | None:
    before = facts.trace.instants[0].ledgers["inventory"]
    for instant in facts.trace.instants:
        for sku, stock in instant.ledgers["inventory"].items():
            sold = stock.get("sold to others", 0)
            total = stock["on hand"] + sum(stock["reserved"].values()) + stock["shipped"] + sold
            if total != before[sku]["on hand"]:
                found = f"{sku}: {total} pieces instead of {before[sku]['on hand']}"
                return Broken("no piece is lost or made", found, instant.number)
    if facts.status == MANUAL:
        return None
    reserved, shipped = shop.reserved(facts.final), shop.shipped(facts.final)
    if reserved:
        release = facts.last("inventory.release")
        return Broken(
            "nothing stays reserved for an order that is over",
            f"{facts.status}, and {shop.in_pieces(reserved)} reserved for an order that does not exist",
            release or facts.last("inventory.reserve"),
            "" if release else "inventory.release",
        )
    due: dict[str, int] = {}
    for item in facts.request.items if facts.status == "completed" else ():
        due[item.sku] = due.get(item.sku, 0) + item.quantity
    if shipped == due:
        return None
    where = facts.last("shipping.create")
    missing = "" if where else "shipping.create"
    observed = f"{facts.status}, and shipped is {shop.in_pieces(shipped)}"
    return Broken(f"{facts.status} promises that shipped is {shop.in_pieces(due)}", observed, where, missing)


def _one_parcel(facts: Facts) -> Broken | None:
    due, found = 1 if facts.status == "completed" else 0, shop.parcels(facts.final)
    if facts.status == MANUAL or found == due:
        return None
    expected = f"{facts.status} promises {shop.in_parcels(due)}"
    observed = f"{facts.status}, and {'there is' if found == 1 else 'there are'} {shop.in_parcels(found)}"
    if found < due:
        observed = "you report completed, and there is no parcel"
    needed = "shipping.cancel" if found > due else "shipping.create"
    where = facts.last(needed)
    return Broken(expected, observed, where or facts.last("shipping.create"), "" if where else needed)


def _paid_parcel(facts: Facts) -> Broken | None:
    amount = facts.request.amount
    for instant in facts.trace.instants:
        if shop.parcels(instant.ledgers) and shop.paid(instant.ledgers) < amount:
            expected = "while a parcel is on its way, its payment stands"
            paid = in_euros(shop.paid(instant.ledgers))
            return Broken(expected, f"a parcel on its way, and {paid} paid for it", instant.number)
    return None


def _mail(facts: Facts) -> Broken | None:
    sent, early = 0, False
    for instant in facts.trace.instants:
        if len(instant.ledgers["mail"]) > sent:
            sent = len(instant.ledgers["mail"])
            if not shop.parcels(instant.ledgers) and not early:
                early = True
                number = instant.number
    if early:
        return Broken(
            "no mail before the parcel", "the customer heard of a parcel that did not exist", number
        )
    if sent > 1:
        return Broken("at most one mail is delivered", f"{sent} identical mails", facts.last(MAIL))
    if sent and facts.status == "failed":
        return Broken("no mail for a failed order", "the customer got one", facts.last(MAIL))
    customer, order = facts.request.customer_id, facts.request.order_id
    for mail in facts.final["mail"]:
        if (mail["customer"], mail["order"]) != (customer, order):
            observed = f"a mail to {mail['customer']} about {mail['order']}"
            return Broken(f"the mail goes to {customer}, about {order}", observed, facts.last(MAIL))
    return None


RULES = Rules(
    number=1,
    title="E-commerce order",
    statuses=STATUSES,
    ordinary=ORDINARY,
    rows=ROWS,
    shows=shows,
    ids={"payment_id": CHARGE, "reservation_id": RESERVE, "shipment_id": SHIP},
    aside=frozenset({MAIL}),
    tells={
        "payments.charge": lambda customer, amount: (
            in_euros(amount) if isinstance(amount, int) else str(amount)
        ),
        "inventory.reserve": lambda order, items: ", ".join(f"{x['quantity']} of {x['sku']}" for x in items),
    },
    invariants=(
        Invariant(
            "E1-S1",
            "the customer pays the exact amount, or nothing",
            "Money is what customers look at first. A failed order gives back all of it.",
            4,
            _net_charge,
        ),
        Invariant(
            "E1-S2",
            "no piece is lost; what is not shipped goes back on the shelf",
            "What is put aside for an order that is over, nobody can buy.",
            4,
            _stock,
        ),
        Invariant(
            "E1-S3",
            "exactly one parcel if completed, else none",
            "A shipment that may exist is the first thing to undo.",
            5,
            _one_parcel,
        ),
        Invariant(
            "E1-S4",
            "while a parcel is on its way, its payment stands",
            "Undo newest first: cancel the parcel before you give back the money.",
            5,
            _paid_parcel,
        ),
        Invariant(
            "E1-S5",
            "at most one mail, and only about a parcel that exists",
            "Mail cannot be undone. So it comes last, and every attempt has the same key.",
            5,
            _mail,
        ),
        Invariant(
            "E1-S6",
            "a fault on mail changes nothing else",
            "Mail is not critical: the order is complete without it.",
            5,
            changes_nothing(MAIL),
            only(MAIL),
        ),
        Invariant(
            "E1-L1",
            "mail is tried again, and parked when it could not be sent",
            "Not critical is not forgotten: a person must be able to send it later.",
            4,
            tried_or_parked(MAIL, "completed"),
            only(MAIL),
        ),
        *COMMON,
    ),
)
