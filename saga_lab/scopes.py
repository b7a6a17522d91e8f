"""Save-points: which undos are registered, and in what order they are due."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from saga_lab.context import Undo
from saga_lab.errors import StepFailed


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
        if not any(undo.key in scope.undos for scope in self.chain()):
            self.undos[undo.key] = undo

    def forget(self, key: str) -> None:
        """The step is known not to be done."""
        for scope in self.chain():
            scope.undos.pop(key, None)

    def newest_first(self, since: int) -> list[Registered]:
        """The undos registered after place `since` of the journal, in the order in which they are due."""
        due = [undo for undo in self.undos.values() if undo.order > since]
        return sorted(due, key=lambda undo: undo.order, reverse=True)

    def join_outer(self) -> None:
        """Left well: the undos become the outer scope's."""
        if self.outer is not None:
            self.outer.undos.update(self.undos)
