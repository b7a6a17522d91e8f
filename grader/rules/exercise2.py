"""Exercise 2, the transfer: what each status promises, and what must hold in the bank."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from grader.rules import Broken, Invariant, Row, Rules, Shown
from grader.rules import bank_ledgers as bank
from grader.rules.common import COMMON
from grader.rules.facts import MANUAL, Facts
from grader.rules.scenarios import given_up
from grader.rules.words import in_euros
from saga_lab.sim import Scenario
from saga_lab.worlds.world import World

STATUSES = {
    "completed": "the source has the amount less, the destination has it more, and the ledger tells it once",
    "failed": "neither account changed by this transfer, and the ledger does not know it",
    MANUAL: "the money may rest on the way or not be booked, and a dead letter says what to do",
}
ORDINARY = {
    "plain": "completed",
    "insufficient": "failed",
    "unknown-destination": "failed",
    "closed-destination": "failed",
    "one-cent": "completed",
    "zero": "failed",
    "negative": "failed",
    "to-itself": "failed",
    "twins": "completed",
}
DEBIT, REVERSE = "accounts.debit", "accounts.reverse"
CREDIT, VOID = "accounts.credit", "accounts.void"
RECORD = "ledger.record"
ROWS = (
    Row(DEBIT, ("refuse", "down*"), ("failed",), "untouched"),
    Row(DEBIT, ("given up",), ("failed", "completed"), "reversed by key, or tombstoned"),
    Row(CREDIT, ("refuse",), ("failed",), "reversed"),
    Row(CREDIT, ("given up",), ("completed", "failed"), "never both reversed and credited"),
    Row(RECORD, ("refuse", "down*"), (MANUAL,), "money moved, never failed"),
    Row(RECORD, ("given up",), ("completed", MANUAL), "one record"),
    Row(REVERSE, ("down*",), (MANUAL,), "money in clearing"),
)


def shows(facts: Facts) -> Iterator[Shown]:
    """What the accounts and the ledger say of this transfer."""
    yield Shown(
        "the accounts say", bank.in_words(bank.changes(facts, facts.final)), bank.in_words(bank.due(facts))
    )
    done = facts.status == "completed"
    yield Shown("records in the ledger:", str(bank.records(facts)), "1" if done else "0")
    if not bank.possible(facts):
        asked = ", ".join(dict.fromkeys(request.operation for request in facts.requests))
        yield Shown("asked:", asked or "nobody", "nobody")


# ---- the promises


def _money_is_kept(facts: Facts) -> Broken | None:
    before = bank.total(facts.trace.instants[0].ledgers)
    for instant in facts.trace.instants:
        if (now := bank.total(instant.ledgers)) != before:
            observed = f"the sum of all balances differs by {in_euros(now - before)}"
            return Broken("no money is lost or made", observed, instant.number)
    return None


def _never_below_zero(facts: Facts) -> Broken | None:
    if not bank.possible(facts):  # what comes of that is told by E2-S3
        return None
    for instant in facts.trace.instants:
        accounts = instant.ledgers["accounts"]
        for name, cents in {"clearing": accounts["clearing"], **accounts["balances"]}.items():
            if cents < 0:
                why = "The bank paid what it had not got. Debit first; void a credit before you reverse."
                return Broken(
                    "no balance is ever below zero, clearing included",
                    f"{name} is at {in_euros(cents)}",
                    instant.number,
                    why=why if name == "clearing" else "",
                )
    return None


def _both_or_neither(facts: Facts) -> Broken | None:
    found, right = bank.changes(facts, facts.final), bank.due(facts)
    if facts.status == MANUAL or found == right:
        return None
    if not bank.possible(facts):
        name, cents = max(found.items(), key=lambda change: change[1])
        return Broken(
            f"a transfer of {facts.world.cases[facts.trace.case].says} never begins",
            f"{facts.status}, and {name} became richer by {in_euros(cents)}",
            facts.last(DEBIT),
            why="The bank books what it is told. Look at the request before the first call.",
        )
    expected = f"{facts.status} promises: {bank.in_words(right)}"
    observed = f"{facts.status}, and {bank.in_words(found)}"
    undo = REVERSE if facts.request.from_account in found else VOID
    if facts.status == "completed":
        return Broken(expected, observed, facts.last(CREDIT) or facts.last(DEBIT))
    where, action = facts.last(undo), DEBIT if undo == REVERSE else CREDIT
    told = any(r.operation == action and r.answer == "value" for r in facts.requests)
    why = "The call failed for you, but the bank did it. You do not know, so undo it by its key."
    return Broken(expected, observed, where or facts.last(action), "" if where else undo, "" if told else why)


def _in_the_books(facts: Facts) -> Broken | None:
    found, done = bank.records(facts), facts.status == "completed"
    if found == done or (facts.status == MANUAL and found == 1):
        return None
    asked = facts.last(RECORD)
    observed = f"{facts.status}, and the ledger tells it {found} times"
    if not found:
        observed = "moved, but not in the books"
    expected = f"{facts.status} promises {'one record' if done else 'no record'} in the ledger"
    if facts.status == MANUAL:
        expected = "at most one record in the ledger"
    return Broken(expected, observed, asked, "" if asked else RECORD)


def _clearing_is_empty(facts: Facts) -> Broken | None:
    waiting = -sum(bank.changes(facts, facts.final).values())
    if facts.status == MANUAL or not waiting:
        return None
    undo, action = (REVERSE, DEBIT) if waiting > 0 else (VOID, CREDIT)
    where = facts.last(undo)
    held = "waits in clearing" if waiting > 0 else "was paid out of clearing for nothing"
    observed = f"{facts.status}, and {in_euros(abs(waiting))} {held}"
    return Broken(
        "nothing of a transfer stays in clearing",
        observed,
        where or facts.last(action),
        "" if where else undo,
    )


def _both_of_two(facts: Facts) -> Broken | None:
    """Two equal transfers are two: nothing of the second is taken for a repeat of the first."""
    first, last = facts.trace.instants[0].ledgers["accounts"], facts.final["accounts"]
    if not facts.trace.others:
        return None
    name, amount = facts.request.from_account, facts.request.amount * (1 + len(facts.trace.others))
    moved = first["balances"][name] - last["balances"][name]
    if moved in (0, amount):  # that none happened is told by its status
        return None
    return Broken(
        f"two transfers of {in_euros(facts.request.amount)} move {in_euros(amount)}",
        f"{in_euros(moved)} left {name}: the second payment was dropped",
        facts.last(DEBIT),
        "" if facts.last(DEBIT) else DEBIT,
    )


def _given_back_by_adding(facts: Facts) -> Broken | None:
    for before, after in pairwise(facts.trace.instants):
        request = facts.trace.requests[after.number - 1] if after.number and not after.by else None
        if request is None or request.operation != REVERSE:
            continue
        entry = after.ledgers["accounts"]["entries"][request.key]
        name = entry["account"]
        one, other = before.ledgers["accounts"]["balances"], after.ledgers["accounts"]["balances"]
        if other[name] - one[name] != -entry["change"]:
            observed = f"{name} went from {in_euros(one[name])} to {in_euros(other[name])}"
            return Broken("a reversal adds what the debit took", observed, after.number)
    return None


def _twins(scenario: Scenario, world: type[World]) -> bool:
    return bool(scenario.case and world.cases[scenario.case].others)


RULES = Rules(
    number=2,
    title="Money transfer",
    statuses=STATUSES,
    ordinary=ORDINARY,
    rows=ROWS,
    shows=shows,
    ids={"debit_tx_id": DEBIT, "credit_tx_id": CREDIT},
    tells={
        DEBIT: lambda account, amount: bank.change(account, -amount),
        CREDIT: bank.change,
    },
    invariants=(
        Invariant(
            "E2-S1",
            "no money is lost or made, at any instant",
            "Money only moves. Clearing is where it rests between two accounts.",
            4,
            _money_is_kept,
            points=0,
        ),
        Invariant(
            "E2-S2",
            "no balance is ever below zero",
            "Debit first: what nobody has taken from an account, the bank would have to lend.",
            4,
            _never_below_zero,
            unended=True,
        ),
        Invariant(
            "E2-S3",
            "both accounts change, or neither",
            "All or nothing is what a transfer is. In between somebody has paid, and nobody has got it.",
            4,
            _both_or_neither,
        ),
        Invariant(
            "E2-S4",
            "one record in the ledger if completed, else none",
            "What is not in the books nobody finds again; what is there twice is taken for two transfers.",
            5,
            _in_the_books,
        ),
        Invariant(
            "E2-S5",
            "nothing of a transfer that is over stays in clearing",
            "Money in clearing is nobody's. It waits there only while the transfer goes on.",
            4,
            _clearing_is_empty,
        ),
        Invariant(
            "E2-S6",
            "two transfers of the same amount both happen",
            "Two equal payments are two payments. What tells a repeat is its key, not what it is about.",
            3,
            _both_of_two,
            _twins,
        ),
        Invariant(
            "E2-S7",
            "a reversal gives back by adding",
            "Whoever writes an old balance back wipes out what others did meanwhile.",
            4,
            _given_back_by_adding,
            given_up,
            points=0,
        ),
        *COMMON,
    ),
)
