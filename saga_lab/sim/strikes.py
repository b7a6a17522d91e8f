"""Which fault strikes where: requests and moments are counted as they come, and a token names them so."""

from __future__ import annotations

from typing import NamedTuple

from saga_lab.sim.faults import Fault, Scenario
from saga_lab.worlds.world import Operation, thing


class Place(NamedTuple):
    """Where a request stands: about what, the how-manieth about it and under this key; what strikes it."""

    about: str
    nth: int
    attempt: int
    fault: Fault | None


class Strikes:
    """The faults of one scenario, waiting for their sites."""

    def __init__(self, scenario: Scenario) -> None:
        self._faults: dict[str, list[Fault]] = {}
        self._counts: dict[tuple[str, ...], int] = {}
        self._things: dict[tuple[str, str], str] = {}
        for fault in scenario.faults:
            self._faults.setdefault(fault.site.operation, []).append(fault)

    def request(self, operation: Operation, key: str, args: tuple[object, ...]) -> Place:
        """The next request of an operation; an undo and a look-up are about what their action is about."""
        name, done = operation.name, (operation.of, key)
        about = thing(operation, args) if operation.of == name else self._things.get(done, "")
        self._things.setdefault(done, about)
        nth = self._count(name)
        place = self._count(name, about) if about else nth
        attempt = self._count(name, about, key)
        for fault in self._faults.get(name, ()):
            site = fault.site
            if site.thing in ("", about) and _strikes(fault, place if site.thing else nth):
                return Place(about, place, attempt, fault)
        return Place(about, place, attempt, None)

    def moment(self, name: str) -> Fault | None:
        """What strikes at the next moment of this name."""
        nth = self._count(name)
        return next((fault for fault in self._faults.get(name, ()) if _strikes(fault, nth)), None)

    def _count(self, *what: str) -> int:
        count = self._counts[what] = self._counts.get(what, 0) + 1
        return count


def _strikes(fault: Fault, nth: int) -> bool:
    return fault.site.nth <= nth < fault.site.nth + fault.times
