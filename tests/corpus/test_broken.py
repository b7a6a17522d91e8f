"""Worlds and kernels that are broken in the ways of `mistakes` which no learner's file can make: each is caught.

The reference solution is played in the broken world under one fault: the promise named must break there,
and none in the whole world. Two rows no promise can see, since keys and dead letters make up for them: an
undo that refuses what it does not know (M-G10) is a participant's test, two workers (M-G29) a journal's.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import pytest

from grader.exercises import EXERCISES
from saga_lab import events as e
from saga_lab.execution import Execution
from saga_lab.sim import candidate, replay, scheduler
from saga_lab.sim.people import People
from saga_lab.worlds import bank, platform, service, systems, venue
from saga_lab.worlds.payments import PaymentService

Patch = pytest.MonkeyPatch


def broken(exercise: int, token: str) -> list[str]:
    """The promises that the reference solution breaks in this scenario."""
    of = EXERCISES[exercise]
    saga = getattr(importlib.import_module(f"solutions.{of.module}"), of.function)
    trace = replay(saga, of.world, token, lines=False)
    return [violation.invariant for violation in of.rules.judge(trace, of.world)]


# ---- services


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


# ---- kernels


def failed_before_it_is_undone(patch: Patch) -> None:
    """The failure is what is stored; who takes the saga up finds it failed, and undoes nothing."""
    live, compensate, found = candidate._Life.__init__, Execution.compensate, list[e.Event]()

    def begin(self: Any, told: Any, *args: Any) -> None:
        found[:] = told.journal
        live(self, told, *args)

    async def skip(self: Any, *args: Any, **more: Any) -> None:
        if not any(isinstance(event, e.UndoBegun) for event in found):
            await compensate(self, *args, **more)

    patch.setattr(candidate._Life, "__init__", begin)
    patch.setattr(Execution, "compensate", skip)


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


ROWS: list[tuple[str, Callable[[Patch], None], int, str, str]] = [
    ("M-G14", failed_before_it_is_undone, 1, "shipping.create:refuse + payments.refund:crash-before", "S-10"),
    ("M-G16", check_long_before_the_act, 2, "case:insufficient", "E2-S2"),
    ("M-G18", a_repeat_is_a_second_saga, 1, "again", "S-5"),
    ("M-G20", no_tombstone, 1, "payments.charge:late=1h*", "E1-S1"),
    ("M-G24", state_only_at_the_end, 3, "payments.charge:crash-after=16m", "E3-S3"),
    ("M1-09", blind_refund, 1, "payments.charge:late=1h*", "E1-S1"),
    ("M3-15", a_lock_per_user, 3, "case:taken", "S-0"),
    ("M4-03", clean_up_deletes_logs, 4, "case:red", "E4-S5"),
    ("M5-11", early_answers_are_lost, 5, "case:approve-early", "S-0"),
    ("M6-03", verification_by_count, 6, "case:row-differs", "E6-S1"),
    ("M6-05", backfill_overwrites, 6, "none", "S-0"),
    ("M6-09", state_only_at_the_end, 6, "timer#2:crash=30s", "E6-L1"),
]


@pytest.mark.parametrize(("row", "break_it", "exercise", "token", "promise"), ROWS, ids=[x[0] for x in ROWS])
def test_what_is_broken_below_is_caught_by_its_promise(
    row: str, break_it: Callable[[Patch], None], exercise: int, token: str, promise: str, monkeypatch: Patch
) -> None:
    assert broken(exercise, token) == []
    break_it(monkeypatch)
    assert promise in broken(exercise, token)
