"""Exercise 1, the order: what each status promises, and what must hold in the shop."""

from __future__ import annotations

from grader.rules import Broken, Invariant, Rules, any_fault
from grader.rules import shop_ledgers as shop
from grader.rules.facts import MANUAL, Facts
from grader.rules.liveness import L_1, L_2, L_4
from grader.rules.safety import S_1, S_2, S_3, S_4, S_5, S_6, S_7, S_8, S_9, S_10
from saga_lab.sim import Request, Scenario
from saga_lab.worlds.shop import OrderRequest, ShopWorld
from saga_lab.worlds.world import World

STATUSES = {
    "completed": "the customer paid the exact amount and exactly one parcel left",
    "failed": "the customer paid nothing, nothing stays reserved, nothing left",
    MANUAL: "something could not be undone or found out, and a dead letter says what to do",
}
ORDINARY = {"one-item": "completed", "two-items": "completed", "too-many": "failed"}
IDS = {
    "payment_id": "payments.charge",
    "reservation_id": "inventory.reserve",
    "shipment_id": "shipping.create",
}
CHARGE, MAIL = "payments.charge", "mail.send"


def allowed(facts: Facts) -> set[str]:
    """The statuses that are right in this scenario, as the table of the exercise lists them.

    A refusal on the way to the parcel means `failed`. A fault without end there allows a clean undo; on
    an undo, a look-up or the parcel itself it allows to ask for a person. Mail never counts.
    """
    refused = ":refuse" in facts.trace.token and _refusal(facts)
    statuses = {"failed"} if refused else {facts.ordinary}
    if "*" in facts.trace.token:
        if facts.endless("compensable", "pivot", "undo", "look-up"):
            statuses.add("failed")
        if facts.endless("pivot", "undo", "look-up"):
            statuses.add(MANUAL)
    return statuses


def _refusal(facts: Facts) -> Request | None:
    """The no that ended the order."""
    return next((request for request in facts.refused if request.operation != MAIL), None)


def _order(facts: Facts) -> OrderRequest:
    order: OrderRequest = ShopWorld.cases[facts.trace.case].request
    return order


# ---- the promises


def _true_status(facts: Facts) -> Broken | None:
    """Right in this scenario, and shown by the world. Faults that pass are L-4's, those on mail E1-S6's."""
    status = facts.status
    if facts.trace.result is None:
        return None
    if status not in STATUSES:
        return _no_status(facts)
    rights = allowed(facts)
    if status == MANUAL:
        return _true_manual(facts, rights)
    if status not in rights and not facts.finite and MAIL not in facts.trace.token:
        return _wrong_status(facts, rights)
    if status == "failed" and facts.unsure is not None:
        undo, key = facts.undo_of[facts.unsure[0]], facts.unsure[1]
        observed = f"failed, but {undo} of {key} never got an answer"
        return Broken(
            f"failed only when all is known to be undone, else {MANUAL}", observed, facts.last(undo)
        )
    return _world_shows(facts) or _true_ids(facts)


def _no_status(facts: Facts) -> Broken:
    result = facts.trace.result
    words = ", ".join(STATUSES)
    if isinstance(result, dict) and "wrong_type" in result:
        hint = " (is a `return` missing?)" if result["wrong_type"] == "None" else ""
        observed = f"it returned {result['wrong_type']}{hint}"
        return Broken(f"the saga returns an OrderResult with a status: {words}", observed)
    status = result.get("status") if isinstance(result, dict) else result
    return Broken(f"a status that this exercise knows: {words}", f"the status {status!r}")


def _wrong_status(facts: Facts, rights: set[str]) -> Broken:
    right, refused = " or ".join(sorted(rights)), _refusal(facts)
    if refused is None:
        return Broken(right, f"{facts.status}, for {ShopWorld.cases[facts.trace.case].says}")
    if facts.status == "failed":
        return Broken(right, f"failed, since {refused.operation} said no: {refused.reason}", refused.number)
    observed = f"{facts.status}, although {refused.operation} said no: {refused.reason}"
    why = "A step was refused, yet you went on as if it had worked."
    return Broken(right, observed, refused.number, why=why)


def _true_manual(facts: Facts, rights: set[str]) -> Broken | None:
    """Only where something never gets an answer, and never without a whole letter."""
    if MANUAL not in rights:
        others = " or ".join(sorted(rights))
        return Broken(others, f"{MANUAL}, although everything could still be undone or found out")
    if not any(x.key and x.step and x.attempts and x.reason for x in facts.letters):
        observed = "no dead letter says all of it"
        return Broken("a dead letter with step, key, attempts and what a person must do", observed)
    return None


def _world_shows(facts: Facts) -> Broken | None:
    status, final = facts.status, facts.final
    done = status == "completed"
    shown = (
        shop.in_euros(shop.paid(final)),
        shop.in_pieces(shop.reserved(final)),
        shop.in_parcels(shop.parcels(final)),
    )
    promised = (
        shop.in_euros(_order(facts).amount if done else 0),
        "nothing",
        shop.in_parcels(1 if done else 0),
    )
    if shown == promised:
        return None
    wrong = [
        f"{name} {found}, not {right}"
        for name, found, right in zip(("paid", "reserved", "left"), shown, promised, strict=True)
        if found != right
    ]
    why = "" if done else "Your status says that everything was undone. The world says otherwise."
    return Broken(f"{status}: {STATUSES[status]}", f"{status}, but {'; '.join(wrong)}", why=why)


def _true_ids(facts: Facts) -> Broken | None:
    """A completed result names what the services gave; a failed one names nothing."""
    given = {name: facts.trace.result.get(name, "") for name in IDS}
    if facts.status == "failed":
        named = next((name for name in given if given[name]), None)
        if named is None:
            return None
        return Broken("a failed result has no ids", f"failed, with {named} {given[named]!r}")
    for name, operation in IDS.items():
        known = [r.value for r in facts.trace.requests if r.operation == operation and r.answer == "value"]
        found = [
            r.value.get("value")
            for r in facts.trace.requests
            if r.role == "look-up" and isinstance(r.value, dict) and r.answer == "value"
        ]
        if given[name] not in (*known, *found) or not given[name]:
            expected = f"completed names what the services gave: {name} comes from {operation}"
            return Broken(expected, f"{name} is {given[name]!r}", facts.last(operation))
    return None


def _net_charge(facts: Facts) -> Broken | None:
    due, paid = _order(facts).amount if facts.status == "completed" else 0, shop.paid(facts.final)
    if paid == due or facts.status == MANUAL:
        return None
    expected = f"{facts.status} promises a net charge of {shop.in_euros(due)}"
    if paid < due:
        where = facts.last("payments.refund") or facts.last(CHARGE)
        observed = f"{facts.status}, and the customer has paid {shop.in_euros(paid)}"
        return Broken(expected, observed, where, "" if where else CHARGE)
    if facts.status == "completed":
        charges = [request.number for _, request in facts.effects("done") if request.operation == CHARGE]
        why = "A repeat must carry the key of the first attempt, or the customer pays for each."
        return Broken(
            expected, f"completed, and the customer has paid {shop.in_euros(paid)}", charges[-1], why=why
        )
    refund = facts.last("payments.refund")
    told = any(r.operation == CHARGE and r.answer == "value" for r in facts.trace.requests)
    return Broken(
        expected,
        f"{facts.status}, and the customer has paid {shop.in_euros(paid)} and gets nothing",
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
            total = stock["on hand"] + sum(stock["reserved"].values()) + stock["shipped"]
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
    for item in _order(facts).items if facts.status == "completed" else ():
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
    amount = _order(facts).amount
    for instant in facts.trace.instants:
        if shop.parcels(instant.ledgers) and shop.paid(instant.ledgers) < amount:
            expected = "while a parcel is on its way, its payment stands"
            paid = shop.in_euros(shop.paid(instant.ledgers))
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
    return None


def _only_mail(scenario: Scenario, world: type[World]) -> bool:
    """Mail fails; whatever else goes wrong passes by itself."""
    others = [fault for fault in scenario.faults if fault.site.operation != MAIL]
    mail = len(others) < len(scenario.faults)
    return mail and not any(fault.endless or fault.kind == "refuse" for fault in others)


def _mail_is_not_critical(facts: Facts) -> Broken | None:
    if facts.status == facts.ordinary or MAIL not in facts.trace.token:
        return None
    if not _only_mail(facts.scenario, facts.world):
        return None
    observed = f"{facts.status}: a mail server outage cancelled a paid, shipped order"
    return Broken(f"mail or no mail: {facts.ordinary}", observed, facts.last(MAIL))


def _mail_is_tried_or_parked(facts: Facts) -> Broken | None:
    if facts.status != "completed":
        return None
    asked = [request for request in facts.trace.requests if request.operation == MAIL]
    if not asked:
        return Broken("the customer is told", "no mail was ever sent", missing=MAIL)
    if any(request.answer == "value" for request in asked):
        return None
    if len(asked) == 1 and asked[0].answer != "refused":
        observed = "it was tried once, and then no more"
        return Broken("mail is tried again before it is given up", observed, asked[0].number)
    if not any(letter.key == asked[-1].key for letter in facts.letters):
        observed = f"{len(asked)} tries failed, and no dead letter names {asked[-1].key}"
        return Broken("a mail that could not be sent is parked", observed, asked[-1].number)
    return None


def _nothing_held(facts: Facts) -> Broken | None:
    """Who asks for a person names what is still put aside; the other statuses are E1-S2's."""
    if facts.status != MANUAL or not shop.reserved(facts.final):
        return None
    for call in facts.actions:
        if call[0] == "inventory.reserve" and call[1] not in facts.named:
            requests = (*facts.calls[call], *facts.undos(call))
            effects = sorted(effect for request in requests for effect in request.effects)
            if [word for _, word in effects if word in ("done", "undone")][-1:] == ["done"]:
                held = shop.in_pieces(shop.reserved(facts.final))
                observed = f"{held} reserved, and no dead letter names {call[1]}"
                return Broken("what stays reserved is named in a dead letter", observed, facts.last(call[0]))
    return None


RULES = Rules(
    number=1,
    title="E-commerce order",
    statuses=STATUSES,
    ordinary=ORDINARY,
    tells={
        "payments.charge": lambda customer, amount: (
            shop.in_euros(amount) if isinstance(amount, int) else str(amount)
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
            _mail_is_not_critical,
            _only_mail,
        ),
        Invariant(
            "E1-L1",
            "mail is tried again, and parked when it could not be sent",
            "Not critical is not forgotten: a person must be able to send it later.",
            4,
            _mail_is_tried_or_parked,
            _only_mail,
        ),
        Invariant(
            "S-0",
            "the status is true",
            "A status is a promise about the world. Whoever reads it acts on it, and looks no further.",
            4,
            _true_status,
            unended=True,
        ),
        S_1,
        S_2,
        S_3,
        S_4,
        S_5,
        S_6,
        S_7,
        S_8,
        S_9,
        S_10,
        L_1,
        L_2,
        Invariant(
            "L-3",
            "nothing stays put aside without an owner",
            "Goods that nobody knows of are found at the next stock-taking, if ever.",
            4,
            _nothing_held,
            any_fault,
        ),
        L_4,
    ),
)
