"""Undoing: which undos are registered, in which save-point, and how they are carried out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextvars import ContextVar, Token
from types import TracebackType

from msgspec import Struct

from saga_lab import events as e
from saga_lab.calls import Ending, call_until_settled
from saga_lab.context import OnStuck, Undo
from saga_lab.errors import CompensationFailed, StepFailed
from saga_lab.guards import DEADLINES, Deadline
from saga_lab.incarnation import Incarnation


class Registered(Struct):
    """An undo that is due if the saga turns round. `order`: where its step's intent stands in the journal.

    Once `tried`: `stuck` is why it failed for good, `told` what the saga function heard of that before a
    person released it.
    """

    step: str
    key: str
    undo: Undo
    pivot: bool
    order: int
    tried: bool = False
    stuck: StepFailed | None = None
    told: StepFailed | None = None


class Scope(Struct):
    """A list of undos, one per key. `turned`: undoing began here."""

    outer: Scope | None = None
    undos: dict[str, Registered] = {}
    turned: bool = False

    def chain(self) -> Iterator[Scope]:
        """This scope and those around it."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.outer

    def register(self, undo: Registered) -> None:
        """Keep one undo per key, at its first place: the same step again is the same effect."""
        if self.outer is None or not any(undo.key in scope.undos for scope in self.outer.chain()):
            self.undos.setdefault(undo.key, undo)

    @property
    def undoing(self) -> bool:
        """Undoing began here, or in a scope around this one."""
        return self.turned or (self.outer is not None and self.outer.undoing)

    def forget(self, key: str) -> None:
        """The step is known not to be done."""
        for scope in self.chain():
            scope.undos.pop(key, None)


SCOPE: ContextVar[Scope] = ContextVar("scope")
"""The innermost scope around what runs here; each saga runs in one of its own."""


async def undo_all(
    saga: Incarnation, scope: Scope, on_stuck: OnStuck, original: BaseException | None = None
) -> None:
    """Undo what is registered in a scope, newest first; raises CompensationFailed when one is stuck.

    One at a time; what was registered before a passed pivot, never. When a person released an undo that
    was stuck, the older ones follow, and what the saga function is told stays the same: it goes the way that
    its journal tells.
    """
    async with saga.one_undo:
        scope.turned = True
        if not saga.undoing:
            saga.undoing = True
            saga.write_later(saga.new(e.UndoingBegan))
        failures: list[StepFailed] = []
        recorded, silent = math.inf, False
        due = [undo for undo in scope.undos.values() if undo.order > saga.pivot]
        for undo in sorted(due, key=lambda undo: undo.order, reverse=True):
            if undo.key in saga.record.told:
                recorded = min(recorded, saga.record.due.get(("undo", undo.key), math.inf))
            if not undo.tried:
                await _undo(saga, undo, recorded)
            known = undo.told or undo.stuck
            if known is None:
                del scope.undos[undo.key]
                continue
            if not silent:
                failures.append(known)
            last = on_stuck == "stop" or undo.pivot
            silent = silent or (last and undo.told is not None)
            if last and undo.stuck is not None:
                break
    heard = original.failures if isinstance(original, CompensationFailed) else []
    if not all(one in heard for one in failures):
        raise CompensationFailed(failures, original) from original


async def _undo(saga: Incarnation, undo: Registered, recorded: float) -> None:
    """Carry out one undo, or read how it ended; one that fails for good is parked.

    `recorded`: the place in the journal up to which a replay must have come.
    """
    key = undo.key
    saga.asked("undo", key)
    undo.tried = True
    told, ended = saga.record.told.get(key), saga.record.undos.get(key)
    undo.told = None if told is None else failure(told)
    if ended is not None:
        undo.stuck = failure(ended) if ended.stuck and key not in saga.record.skipped else None
        return
    if saga.replaying:
        await saga.catch_up(f"the undo of step {undo.step!r}", recorded)
    if key not in saga.record.undos:
        await saga.write(saga.new(e.UndoBegun, undo.step, key))
    ending = await call_until_settled(saga, "undo", undo.step, 0, key, undo.undo)
    stuck = ending.outcome != "done"
    ended = saga.new(
        e.UndoEnded, undo.step, key, ending.attempts, stuck, ending.outcome, ending.reason, ending.code
    )
    saga.write_later(ended)
    if stuck:
        undo.stuck = failure(ended)
        why = f"undo {undo.step} by hand: {ending.reason or 'no answer'}"
        await saga.write(saga.letter(why, undo.stuck))


def failure(ended: e.UndoEnded) -> StepFailed:
    """The error of an undo that failed for good."""
    told = Ending(ended.outcome, ended.attempts, None, ended.reason, ended.code)
    return told.error(f"undo of {ended.step}", ended.key)


class SavePoint:
    """`async with saga.scope():`, as an object. `deadline`: its mark, and the seconds it has."""

    def __init__(self, saga: Incarnation, on_stuck: OnStuck, deadline: tuple[str, float] | None) -> None:
        self._saga = saga
        self._on_stuck = on_stuck
        self._within = deadline
        self._outer: Token[Scope]
        self._deadline: Deadline | None = None
        self._longer: Token[tuple[Deadline, ...]]

    async def __aenter__(self) -> None:
        self._saga.alive()
        self._outer = SCOPE.set(Scope(outer=SCOPE.get()))
        if self._within is not None:
            self._deadline = self._saga.deadline(*self._within)
            self._longer = DEADLINES.set((*DEADLINES.get(), self._deadline))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        inner = SCOPE.get()
        SCOPE.reset(self._outer)
        if self._deadline is not None:
            DEADLINES.reset(self._longer)
            self._deadline.end()
        self._saga.alive()
        kept = inner.undos
        try:
            if isinstance(error, Exception):
                # A pivot that could not be undone stays in the way of what is older, out there too.
                kept = {key: undo for key, undo in kept.items() if undo.pivot}
                await undo_all(self._saga, inner, self._on_stuck, error)
        finally:
            if inner.outer is not None:
                inner.outer.undos.update({key: undo for key, undo in kept.items() if key in inner.undos})
