"""A memory of what a saga answered, so that a run is played only from where it parts from all before it."""

from __future__ import annotations

import msgspec

from saga_lab.sim.messages import Begin, Call, End, Order, Port, Turn
from saga_lab.sim.port import EndlessLoop

Known = dict[bytes, tuple[Turn, "Known"]]
"""The turn that answers an order, and what may come after it."""
_encode = msgspec.json.Encoder().encode


class Forgetful(Exception):
    """The saga answered otherwise than before, to the same orders: its answers cannot be foretold."""


class Memory:
    """A port that gives the orders which it has seen before only when a new one follows them.

    What a saga does follows from what it is told: nine tenths of a run with a fault are those of a run
    without it. A saga for which this does not hold is found out, since whatever is given again must be
    answered as before. Raises Forgetful then, in the middle of a run that must be played anew, and from
    there on `trusted` is false and every order is given.
    """

    def __init__(self, port: Port) -> None:
        self.trusted = True
        self._port = port
        self._known: Known = {}
        self._here = self._known
        self._lives: set[int] = set()
        self._owed: list[Order] = []
        self._told: list[Turn] = []

    def exchange(self, *orders: Order) -> list[Turn]:
        return [self._answer(order) for order in orders] if self.trusted else self._port.exchange(*orders)

    def close(self) -> None:
        self._port.close()

    def _answer(self, order: Order) -> Turn:
        if isinstance(order, Begin):
            self._begin(order.life)
        elif isinstance(order, End):
            self._lives.discard(order.life)
        self._owed.append(order)
        key = _encode(order)
        found = self._here.get(key)
        if found is None:
            found = self._here[key] = self._ask(), {}
        else:
            self._told.append(found[0])
        turn, self._here = found
        return turn

    def _begin(self, life: int) -> None:
        """A new process knows nothing but the journal it is given."""
        if self._lives <= {life}:
            self._here = self._known
            self._owed.clear()
            self._told.clear()
        self._lives.add(life)

    def _ask(self) -> Turn:
        try:
            *told, turn = self._port.exchange(*self._owed)
        except EndlessLoop as endless:
            called = [x.operation for turn in self._told for x in turn.messages if isinstance(x, Call)]
            endless.last = endless.last or "".join(called[-1:])
            raise
        if told != self._told:
            self.trusted = False
            raise Forgetful
        self._owed.clear()
        self._told.clear()
        return turn
