"""Undoing: which undos are registered, in which save-point, and how they are carried out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from types import TracebackType

from saga_lab import events as e
from saga_lab.calls import Ending, call_until_settled
from saga_lab.context import OnStuck, Undo
from saga_lab.errors import CompensationFailed, StepFailed
from saga_lab.incarnation import Incarnation


@dataclass(slots=True)
class Registered:
    """An undo that is due if the saga turns round. `order`: where its step's intent stands in the journal."""

    step: str
    key: str
    undo: Undo
    pivot: bool
    order: int
    stuck: StepFailed | None = None


@dataclass(slots=True)
class Scope:
    """A list of undos, one per key. `turned`: undoing began here."""

    outer: Scope | None = None
    undos: dict[str, Registered] = field(default_factory=dict)
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


class Undoing:
    """Carries out the undos of one saga, one at a time.

    `pivot` is where the intent of a passed pivot stands in the journal, -1 before: what was
    registered earlier is never undone.
    """

    def __init__(self, saga: Incarnation) -> None:
        self._saga = saga
        self._began = saga.record.undoing
        self._one = asyncio.Lock()
        root = Scope()
        self.scope = ContextVar("scope", default=root)
        self.pivot = -1

    async def undo(self, scope: Scope, on_stuck: OnStuck, original: BaseException | None = None) -> None:
        """Undo what is registered in a scope, newest first; raises CompensationFailed when one is stuck."""
        async with self._one:
            scope.turned = True
            if not self._began:
                self._began = True
                self._saga.write_later(self._saga.new(e.UndoingBegan))
            due = [undo for undo in scope.undos.values() if undo.order > self.pivot]
            failures: list[StepFailed] = []
            for undo in sorted(due, key=lambda undo: undo.order, reverse=True):
                if undo.stuck is None:
                    undo.stuck = await self._undo_one(undo)
                if undo.stuck is None:
                    del scope.undos[undo.key]
                    continue
                failures.append(undo.stuck)
                if on_stuck == "stop" or undo.pivot:
                    break
        told = original.failures if isinstance(original, CompensationFailed) else []
        if not all(stuck in told for stuck in failures):
            raise CompensationFailed(failures, original) from original

    async def _undo_one(self, undo: Registered) -> StepFailed | None:
        """Carry out one undo; gives its error when it failed for good, and parks it."""
        saga, key = self._saga, undo.key
        saga.asked("undo", key)
        ended = saga.record.undos.get(key)
        if ended is not None:
            stuck = Ending(ended.outcome, ended.attempts, reason=ended.reason) if ended.stuck else None
            return stuck and stuck.error(f"undo of {undo.step}", key)
        await saga.catch_up(f"the undo of step {undo.step!r}")
        if key not in saga.record.undos:
            await saga.write(saga.new(e.UndoBegun, undo.step, key))
        ending = await call_until_settled(saga, "undo", undo.step, 0, key, lambda: undo.undo(key))
        failed = None if ending.outcome == "done" else ending.error(f"undo of {undo.step}", key)
        told = (ending.attempts, failed is not None, ending.outcome, ending.reason)
        facts: list[e.Event] = [saga.new(e.UndoEnded, undo.step, key, *told)]
        if failed is not None and not any(
            letter.key == key and letter.by == "kernel" for letter in saga.letters()
        ):
            facts.append(saga.letter(f"undo {undo.step} by hand: {ending.reason or 'no answer'}", failed))
        await saga.write(*facts)
        return failed


class SavePoint:
    """`async with saga.scope():`, as an object."""

    def __init__(self, saga: Incarnation, undoing: Undoing, on_stuck: OnStuck) -> None:
        self._saga = saga
        self._undoing = undoing
        self._on_stuck = on_stuck
        self._before: Token[Scope]

    async def __aenter__(self) -> None:
        self._saga.alive()
        self._before = self._undoing.scope.set(Scope(outer=self._undoing.scope.get()))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        inner = self._undoing.scope.get()
        self._undoing.scope.reset(self._before)
        self._saga.alive()
        if isinstance(error, Exception):
            await self._undoing.undo(inner, self._on_stuck, error)
        elif inner.outer is not None:
            inner.outer.undos.update(inner.undos)
