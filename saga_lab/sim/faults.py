"""Faults and their tokens: `payments.charge#2:late=1h* + finish:crash`, read and written."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, get_args

from msgspec import Struct

from saga_lab.worlds.world import World

FaultKind = Literal[
    "refuse",
    "down",
    "lost",
    "late",
    "slow",
    "twice",
    "crash-before",
    "crash-after",
    "crash",
    "then",
    "cancel",
]
MOMENTS = ("start", "finish", "timer", "promise")
"""Sites that are no request: writes of the journal, and waits."""
ON_ACTIONS_AND_UNDOS = ("late", "twice", "then")
"""Kinds that mean nothing where nothing changes: at a look-up or a read."""

_UNITS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_PART = re.compile(
    r"(?P<operation>[a-z_]+(?:\.[a-z_]+)?)(?:\[(?P<thing>[^\[\]]+)\])?(?:#(?P<nth>[1-9]\d*))?"
    r":(?P<kind>[a-z-]+)(?:=(?P<value>\w+))?(?P<endless>\*)?(?::(?P<name>[a-z_]+))?"
)
_PLUS = re.compile(r"\+(?![^\[]*\])")
_COUNTED = ("down", "lost")
_TIMED = ("late", "slow", "twice", "crash-after", "crash")
_ONCE = ("crash", "then", "cancel")


class BadToken(ValueError):
    """A token that cannot be read or played; the text says what was expected."""


class Site(Struct, frozen=True, gc=False, order=True):
    """A place where a fault can strike: the `nth` request of an operation (about one thing), or a moment."""

    operation: str
    thing: str = ""
    nth: int = 1

    def __str__(self) -> str:
        about = f"[{self.thing}]" if self.thing else ""
        return self.operation + about + (f"#{self.nth}" if self.nth > 1 else "")


class Fault(Struct, frozen=True, gc=False):
    """One thing going wrong at one site. `times`: requests it strikes; `after`: ms, for kinds that wait."""

    site: Site
    kind: FaultKind
    times: float = 1
    after: int | None = None
    name: str = ""

    @property
    def word(self) -> str:
        """The kind as it is written after the colon."""
        count = f"={self.times:.0f}" if 1 < self.times < math.inf else ""
        after = "" if self.after is None else f"={duration(self.after)}"
        endless, name = "*" if self.endless else "", f":{self.name}" if self.name else ""
        return self.kind + count + after + endless + name

    @property
    def endless(self) -> bool:
        return self.times == math.inf

    def meets(self, other: Fault) -> bool:
        """Both would strike one request."""
        if (self.site.operation, self.site.thing) != (other.site.operation, other.site.thing):
            return False
        first, second = sorted((self, other), key=lambda fault: fault.site.nth)
        return second.site.nth < first.site.nth + first.times

    def __str__(self) -> str:
        return _written(self)


@lru_cache(maxsize=4096)
def _written(fault: Fault) -> str:
    return f"{fault.site}:{fault.word}"


class Scenario(Struct, frozen=True, gc=False):
    """A case of the world and what goes wrong in it.

    `recover`: a second worker recovers the saga meanwhile. When it has ended, `again`: the same request
    is submitted once more; `again_other`: another request under the same id. `seed`: the names and
    amounts of the world are those of this seed; 0 has the usual ones.
    """

    case: str = ""
    faults: tuple[Fault, ...] = ()
    again: bool = False
    again_other: bool = False
    recover: bool = False
    seed: int = 0

    def __str__(self) -> str:
        parts = [f"seed:{self.seed}"] if self.seed else []
        parts += [f"case:{self.case}"] if self.case else []
        parts += [str(fault) for fault in self.faults]
        parts += [word for word, field in _WORDS.items() if getattr(self, field)]
        return " + ".join(parts) or "none"


_WORDS = {"recover": "recover", "again": "again", "again!": "again_other"}


@lru_cache(maxsize=256)
def parse(token: str) -> Scenario:
    """Read a token: `seed:7 + case:two-items + payments.charge:lost`, with all but one of them left out, or
    `none`. Raises BadToken with what was expected.
    """
    case, faults, flags = "", list[Fault](), dict[str, bool]()
    parts = [part.strip() for part in _PLUS.split(token)]
    seed = _seed(parts.pop(0)) if parts[0].startswith("seed:") else 0
    for place, part in enumerate(parts):
        if part == "none" and len(parts) == 1:
            continue
        if part.startswith("case:"):
            case = part.removeprefix("case:")
            if place or not re.fullmatch(r"\w[\w-]*", case):
                raise BadToken(
                    f"{part!r}: a case comes first in a token (only a seed stands before it), as in "
                    "'case:two-items + payments.charge:lost'"
                )
        elif part in _WORDS:
            flags[_WORDS[part]] = True
        elif part.startswith("seed:"):
            raise BadToken(f"{part!r}: a seed comes first in a token, before a case")
        else:
            faults.append(read_fault(part))
            _not_taken(faults)
    return Scenario(case, tuple(faults), seed=seed, **flags)


def _seed(part: str) -> int:
    if not re.fullmatch(r"seed:[1-9]\d{0,8}", part, re.ASCII):
        raise BadToken(f"{part!r}: a seed is a number from 1 on, as in 'seed:7 + payments.charge:lost'")
    return int(part.removeprefix("seed:"))


@lru_cache(maxsize=4096)
def read_fault(text: str) -> Fault:
    """Read one fault. Raises BadToken."""
    match = _PART.fullmatch(text)
    if match is None:
        raise BadToken(
            f"cannot read {text!r}: a fault is written site:kind, as in 'payments.charge:lost', "
            "'payments.charge#2:late=1h*' or 'finish:crash'"
        )
    kind, value, endless, name = match["kind"], match["value"], bool(match["endless"]), match["name"] or ""
    if kind not in get_args(FaultKind):
        raise BadToken(f"there is no fault {kind!r}: choose one of {', '.join(get_args(FaultKind))}")
    moment = match["operation"] in MOMENTS
    if moment != (kind == "crash"):
        at = ", ".join(MOMENTS)
        raise BadToken(
            f"{text!r}: 'crash' alone goes with {at}; a request has 'crash-before' and 'crash-after'"
        )
    if moment and match["thing"]:
        raise BadToken(f"{text!r}: brackets name what a request is about; {match['operation']} is no request")
    if (kind == "then") != bool(name):
        raise BadToken(f"{text!r}: 'then' names who acts, as in 'inventory.reserve:then:buy_stock'")
    if endless and kind in _ONCE:
        raise BadToken(f"{text!r}: {kind} strikes once, so it takes no '*'")
    if kind == "slow" and not value:
        raise BadToken(f"{text!r}: say how slow, as in 'slow=5m'")
    site = Site(match["operation"], match["thing"] or "", int(match["nth"] or 1))
    times, after = math.inf if endless else 1.0, None
    if value and kind in _COUNTED:
        if not value.isdecimal() or int(value) < 1 or endless:
            raise BadToken(f"{text!r}: {kind}=3 means three times, {kind}* means from now on")
        times = float(value)
    elif value:
        if kind not in _TIMED:
            raise BadToken(f"{text!r}: {kind} takes neither a number nor a duration")
        after = milliseconds(value)
    return Fault(site, kind, times, after, name)  # type: ignore[arg-type]


def _not_taken(faults: list[Fault]) -> None:
    """Two faults cannot strike one request."""
    *before, new = faults
    for old in before:
        if new.meets(old):
            raise BadToken(
                f"'{old}' and '{new}' would strike the same request: give one of them another number, "
                f"as in '{Site(new.site.operation, new.site.thing, 2)}:{new.word}'"
            )


def milliseconds(text: str) -> int:
    """Read a duration: `250ms`, `30s`, `5m`, `1h`, `30d`."""
    match = re.fullmatch(r"([1-9]\d*)(ms|s|m|h|d)", text, re.ASCII)
    if match is None:
        raise BadToken(f"cannot read the duration {text!r}: write 250ms, 30s, 5m, 1h or 30d")
    return int(match[1]) * _UNITS[match[2]]


def duration(ms: int) -> str:
    """Write a duration in the largest unit that fits."""
    return next(
        f"{ms // size}{unit}" for unit, size in _UNITS.items() if ms % size == 0 and (ms or unit == "ms")
    )


# ---- what can be played


def check(scenario: Scenario, world: type[World]) -> None:
    """Refuse what this world cannot do. Raises BadToken."""
    if scenario.case and scenario.case not in world.cases:
        raise BadToken(
            f"the world {world.name!r} has no case {scenario.case!r}, only {', '.join(world.cases)}"
        )
    for fault in scenario.faults:
        if fault.site.operation not in MOMENTS:
            _check(fault, world)


def _check(fault: Fault, world: type[World]) -> None:
    name = fault.site.operation
    operation = world.operations.get(name)
    if operation is None:
        raise BadToken(
            f"the world {world.name!r} has no {name!r}: choose one of {', '.join(world.operations)}"
        )
    if fault.site.thing and world.operations[operation.of].about is None:
        raise BadToken(f"{fault}: {name} is about no thing that brackets could name")
    if fault.kind == "refuse" and not operation.refusable:
        raise BadToken(f"{fault}: {name} never says no")
    if fault.kind in ON_ACTIONS_AND_UNDOS and operation.role in ("look-up", "read"):
        raise BadToken(f"{fault}: {name} changes nothing, so {fault.kind!r} means nothing there")
    if fault.kind == "then" and name not in after(fault.name, world):
        known = [rival for rival in world.rivals if name in after(rival, world)]
        there = f"after {name} there is {', '.join(known)}" if known else f"nobody acts after {name}"
        raise BadToken(f"{fault}: {there} in the world {world.name!r}")


def after(rival: str, world: type[World]) -> Sequence[str]:
    """The operations after which a rival acts; none when the world does not know it."""
    if rival not in world.rivals:
        return ()
    changing = [name for name, operation in world.operations.items() if operation.role in ("action", "undo")]
    return world.rivals[rival].after or changing
