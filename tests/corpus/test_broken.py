"""Worlds and kernels that are broken in the ways of `mistakes` which no learner's file can make: each is caught.

The reference solution is played in the broken world under one fault: the promise named must break there,
and none in the whole world. A file can write back an old value (M-G15) in exercise 4 alone, where it says
what to write; in the others the service would have to do it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from grader.exercises import EXERCISES
from saga_lab import events as e
from saga_lab.errors import Refused
from saga_lab.sim import replay, scheduler
from saga_lab.sim.people import People
from saga_lab.worlds import bank, platform, service, shop, systems, venue
from saga_lab.worlds.payments import PaymentService

Patch = pytest.MonkeyPatch


def broken(exercise: int, token: str) -> list[str]:
    """The promises that the reference solution breaks in this scenario."""
    of = EXERCISES[exercise]
    saga = getattr(importlib.import_module(f"solutions.{of.module}"), of.function)
    trace = replay(saga, of.world, token, lines=False)
    return [violation.invariant for violation in of.rules.judge(trace, of.world)]


# ---- services


def only_what_it_knows_is_undone(patch: Patch) -> None:
    undo = service.Service._undo

    def strict(self: Any, operation: Any, key: str) -> Any:
        if key not in self.entries:
            raise Refused(f"nothing is known of {key}", "unknown")
        return undo(self, operation, key)

    patch.setattr(service.Service, "_undo", strict)


def old_balance_written_back(patch: Patch) -> None:
    book, before = bank._Accounts._book, dict[str, int]()

    def remember(self: Any, what: str, key: str, account: str, change: int) -> str:
        before[key] = self.balances.get(account, 0)
        return book(self, what, key, account, change)

    def restore(self: Any, key: str) -> None:
        account, change, _ = self.booked[key]
        self._change(account, before[key] - self.balances[account])
        self.booked[key] = (account, change, False)

    patch.setattr(bank._Accounts, "_book", remember)
    patch.setattr(bank._Accounts, "_take_back", restore)


def old_stock_written_back(patch: Patch) -> None:
    reserve, release, before = shop._Inventory.reserve, shop._Inventory.release, dict[str, int]()

    def remember(self: Any, key: str, order_id: str, items: Any) -> str:
        before.update({sku: stock.on_hand for sku, stock in self.stock.items()})
        return reserve(self, key, order_id, items)

    def restore(self: Any, key: str) -> None:
        release(self, key)
        for sku, pieces in before.items():
            self.stock[sku].on_hand = pieces

    patch.setattr(shop._Inventory, "reserve", remember)
    patch.setattr(shop._Inventory, "release", restore)


def no_tombstone(patch: Patch) -> None:
    undo = service.Service._undo

    def forgetful(self: Any, operation: Any, key: str) -> Any:
        return undo(self, operation, key) if key in self.entries else ("nothing", None)

    patch.setattr(service.Service, "_undo", forgetful)


def blind_refund(patch: Patch) -> None:
    undo = PaymentService._undo

    def blind(self: Any, operation: Any, key: str) -> Any:
        if key not in self.entries:
            self.charges[key] = ("cust-123", -9999, True)
            self.entries[key] = service.Entry(operation.of, "undone", at=self.now)
            return "undone", None
        return undo(self, operation, key)

    patch.setattr(PaymentService, "_undo", blind)


def check_long_before_the_act(patch: Patch) -> None:
    """The balance is looked at, and by the time that it is changed it is another."""

    def book(self: Any, what: str, key: str, account: str, change: int) -> str:
        self._change(account, change)
        self.booked[key] = (account, change, True)
        return self.variation.name(f"{what}-{len(self.booked)}")

    patch.setattr(bank._Accounts, "_book", book)


def a_lock_per_user(patch: Patch) -> None:
    """Whoever asks sees only the seats that they hold themselves."""
    hold = venue._Seats.hold

    def own(self: Any, key: str, event_id: str, seat_ids: list[str]) -> Any:
        others = {seat: place for seat, place in self.seats.items() if place.owner not in ("", key)}
        self.free(others)
        return hold(self, key, event_id, seat_ids)

    patch.setattr(venue._Seats, "hold", own)


def clean_up_deletes_logs(patch: Patch) -> None:
    apply = platform.PlatformWorld.apply

    def tidy(self: Any, operation: str, key: str, args: Any) -> Any:
        found = apply(self, operation, key, args)
        if operation == "environments.rollback":
            self.services["logs"].saved.clear()
        return found

    patch.setattr(platform.PlatformWorld, "apply", tidy)


def verification_by_count(patch: Patch) -> None:
    def count(self: Any, key: str, service_id: str) -> bool:
        return None not in self.rows.stores["new"]

    patch.setattr(systems._Store, "verify", count)


def backfill_overwrites(patch: Patch) -> None:
    """It brings the rows as they were when the migration began."""

    def copy(self: Any, position: int) -> bool:
        self._take("new", position, systems.Row(1))
        self._compare("new", position)
        return True

    patch.setattr(systems.Rows, "copy", copy)


def backfill_keeps_what_is_there(patch: Patch) -> None:
    """It brings what is absent, and not what is newer."""
    copy = systems.Rows.copy

    def absent(self: Any, position: int) -> bool:
        return self.stores["new"][position] is None and copy(self, position)

    patch.setattr(systems.Rows, "copy", absent)


# ---- kernels


def failed_before_it_is_undone(patch: Patch) -> None:
    """The failure is what is stored; who takes the saga up finds it failed, and undoes nothing."""
    restart = scheduler._Run._restart

    def skip(self: Any, died: Any) -> None:
        saga = died.saga
        if any(isinstance(event, e.UndoingBegan) for event in saga.journal):
            saga.journal.append(e.Returned(value=msgspec.Raw(b'{"status":"failed"}'), id=saga.id))
            saga.over = self._over = self._now
        else:
            restart(self, died)

    patch.setattr(scheduler._Run, "_restart", skip)


def no_lease(patch: Patch) -> None:
    """Whoever has lost the lease goes on, and its writes are taken too."""
    append = scheduler._Run._append

    def lax(self: Any, worker: Any, told: Any) -> None:
        holder, worker.saga.worker = worker.saga.worker, worker
        append(self, worker, msgspec.structs.replace(told, version=len(worker.saga.journal)))
        worker.saga.worker = holder

    patch.setattr(scheduler._Run, "_append", lax)


def state_only_at_the_end(patch: Patch) -> None:
    """What is written reaches the disk together with the result, so a restart finds nothing."""
    begin = scheduler._Run._begin

    def forgetful(self: Any, saga: Any, *args: Any) -> Any:
        if saga.over is None:
            saga.journal.clear()
        return begin(self, saga, *args)

    patch.setattr(scheduler._Run, "_begin", forgetful)


def a_repeat_is_a_second_saga(patch: Patch) -> None:
    begin = scheduler._Run._begin

    def anew(self: Any, saga: Any, *args: Any) -> Any:
        before = list(saga.journal)
        if saga.over is not None:
            saga.journal.clear()
        found = begin(self, saga, *args)
        saga.journal[:0] = before if saga.over is not None else []
        return found

    patch.setattr(scheduler._Run, "_begin", anew)


def early_answers_are_lost(patch: Patch) -> None:
    answer = People._answer

    def deaf(self: Any, told: Any) -> None:
        if told.since == "wait":
            answer(self, told)

    patch.setattr(People, "_answer", deaf)


Row = tuple[str, Callable[[Patch], None], int, str, str]
ROWS: list[Row] = [
    ("M-G10", only_what_it_knows_is_undone, 1, "payments.charge:late=1h*", "S-0"),
    ("M-G10", only_what_it_knows_is_undone, 2, "accounts.debit:late=1h*", "S-0"),
    ("M-G10", only_what_it_knows_is_undone, 4, "environments.deploy[staging]:late=1h*", "S-0"),
    (
        "M-G14",
        failed_before_it_is_undone,
        1,
        "shipping.create:refuse + inventory.release:crash-before",
        "S-9",
    ),
    (
        "M-G14",
        failed_before_it_is_undone,
        2,
        "accounts.credit:refuse + accounts.reverse:crash-before",
        "E2-S3",
    ),
    ("M-G14", failed_before_it_is_undone, 3, "tickets.issue:refuse + payments.refund:crash-before", "E3-S3"),
    (
        "M-G15",
        old_stock_written_back,
        1,
        "shipping.create:refuse + inventory.reserve:then:buy_stock",
        "E1-S2",
    ),
    ("M-G15", old_balance_written_back, 2, "accounts.credit:refuse + accounts.debit:then:deposit", "E2-S7"),
    ("M-G16", check_long_before_the_act, 2, "case:insufficient", "E2-S2"),
    ("M-G18", a_repeat_is_a_second_saga, 1, "again", "S-5"),
    ("M-G18", a_repeat_is_a_second_saga, 2, "again", "S-5"),
    ("M-G18", a_repeat_is_a_second_saga, 6, "again", "S-6"),
    ("M-G20", no_tombstone, 1, "payments.charge:late=1h*", "E1-S1"),
    ("M-G20", no_tombstone, 2, "accounts.debit:late=1h*", "E2-S3"),
    ("M-G20", no_tombstone, 4, "dns.switch:late=1h*", "E4-S1"),
    ("M-G24", state_only_at_the_end, 3, "payments.charge:crash-after=16m", "S-9"),
    ("M-G24", state_only_at_the_end, 5, "payments.pay:crash-after", "S-3"),
    ("M-G24", state_only_at_the_end, 6, "timer#2:crash=30s", "E6-L1"),
    ("M-G29", no_lease, 1, "recover + inventory.reserve:cancel", "E1-S4"),
    ("M-G29", no_lease, 2, "recover + accounts.debit:cancel", "E2-S2"),
    ("M-G29", no_lease, 6, "recover + store.verify:refuse", "E6-S2"),
    ("M-G29", no_lease, 3, "recover + seats.hold:cancel", "S-4"),
    ("M1-09", blind_refund, 1, "payments.charge:late=1h*", "E1-S1"),
    ("M3-15", a_lock_per_user, 3, "case:taken", "E3-S1"),
    ("M4-03", clean_up_deletes_logs, 4, "case:red", "E4-S5"),
    ("M5-11", early_answers_are_lost, 5, "case:approve-early", "S-0"),
    ("M6-03", verification_by_count, 6, "case:row-differs", "E6-S2"),
    ("M6-05", backfill_overwrites, 6, "none", "S-0"),
    ("E6-L3", backfill_keeps_what_is_there, 6, "case:second-try", "E6-L3"),
    ("M6-09", state_only_at_the_end, 6, "timer#2:crash=30s", "E6-L1"),
]


def _name(row: Row) -> str:
    return f"{row[0]}-{row[2]}"


@pytest.mark.parametrize("row", ROWS, ids=_name)
def test_what_is_broken_below_is_caught_by_its_promise(row: Row, monkeypatch: Patch) -> None:
    _, break_it, exercise, token, promise = row
    assert broken(exercise, token) == []
    break_it(monkeypatch)
    assert promise in broken(exercise, token)
