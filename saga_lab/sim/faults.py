"""Faults and their tokens: `payments.charge#2:late=1h* + finish:crash`, read and written."""

from __future__ import annotations

import math
import re
from typing import Literal, get_args

from msgspec import Struct

from saga_lab.worlds.world import Role

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

_UNITS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_PART = re.compile(
    r"(?P<operation>[a-z_]+(?:\.[a-z_]+)?)(?:\[(?P<thing>[^\]]*)\])?(?:#(?P<nth>[1-9]\d*))?"
    r":(?P<kind>[a-z-]+)(?:=(?P<value>\d+[a-z]*))?(?P<endless>\*)?(?::(?P<name>[a-z_]+))?"
)
_TIMED = ("late", "slow", "twice", "crash-after", "crash")
_COUNTED = ("down", "lost")


class BadToken(ValueError):
    """A token that cannot be read; the text says what was expected."""


class Site(Struct, frozen=True, order=True):
    """A place where a fault can strike: the `nth` request of an operation (about one thing), or a moment."""

    operation: str
    thing: str = ""
    nth: int = 1

    def __str__(self) -> str:
        return (
            self.operation
            + (f"[{self.thing}]" if self.thing else "")
            + (f"#{self.nth}" if self.nth > 1 else "")
        )


class Fault(Struct, frozen=True):
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
        return (
            self.kind + count + after + ("*" if self.endless else "") + (f":{self.name}" if self.name else "")
        )

    @property
    def endless(self) -> bool:
        return self.times == math.inf

    def __str__(self) -> str:
        return f"{self.site}:{self.word}"


class Scenario(Struct, frozen=True):
    """A case of the world and what goes wrong in it. `again`: the same request once more at the end."""

    case: str = ""
    faults: tuple[Fault, ...] = ()
    again: bool = False

    def __str__(self) -> str:
        parts = [f"case:{self.case}"] if self.case else []
        parts += [str(fault) for fault in self.faults] + (["again"] if self.again else [])
        return " + ".join(parts) or "none"


def parse(token: str) -> Scenario:
    """Read a token. Raises BadToken with what was expected."""
    case, faults, again = "", list[Fault](), False
    parts = [part.strip() for part in token.split("+")]
    for place, part in enumerate(parts):
        if part == "none" and len(parts) == 1:
            continue
        if part.startswith("case:"):
            if place:
                raise BadToken(
                    f"{part!r} comes first in a token, as in 'case:two-items + payments.charge:lost'"
                )
            case = part.removeprefix("case:")
        elif part == "again":
            again = True
        else:
            faults.append(_fault(part))
    return Scenario(case, tuple(faults), again)


def _fault(text: str) -> Fault:
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
    if (kind == "then") != bool(name):
        raise BadToken(f"{text!r}: 'then' names who acts, as in 'inventory.reserve:then:buy_stock'")
    site = Site(match["operation"], match["thing"] or "", int(match["nth"] or 1))
    times, after = math.inf if endless else 1.0, None
    if value and kind in _COUNTED:
        if not value.isdigit() or endless:
            raise BadToken(f"{text!r}: {kind}=3 means three times, {kind}* means from now on")
        times = float(value)
    elif value:
        if kind not in _TIMED:
            raise BadToken(f"{text!r}: {kind} takes no duration")
        after = milliseconds(value)
    return Fault(site, kind, times, after, name)  # type: ignore[arg-type]


def milliseconds(text: str) -> int:
    """Read a duration: `250ms`, `30s`, `5m`, `1h`, `30d`."""
    match = re.fullmatch(r"(\d+)(ms|s|m|h|d)", text)
    if match is None:
        raise BadToken(f"cannot read the duration {text!r}: write 250ms, 30s, 5m, 1h or 30d")
    return int(match[1]) * _UNITS[match[2]]


def duration(ms: int) -> str:
    """Write a duration in the largest unit that fits."""
    return next(
        f"{ms // size}{unit}" for unit, size in _UNITS.items() if ms % size == 0 and (ms or unit == "ms")
    )


# ---- which faults are tried where


def _kinds(*words: str) -> tuple[str, ...]:
    return words


TRIED: dict[Role, tuple[str, ...]] = {
    "action": _kinds(
        *("down", "down=3", "down*", "lost", "lost=3", "lost*", "late", "late*", "late=1h", "late=1h*"),
        *("slow=5m", "twice", "twice=1h", "crash-before", "crash-after", "crash-after=16m"),
    ),
    "undo": _kinds(
        *("down", "down=3", "down*", "lost", "lost=3", "lost*", "late", "late*", "late=1h"),
        *("slow=5m", "twice", "twice=1h", "crash-before", "crash-after", "crash-after=16m"),
    ),
    "look-up": _kinds("down", "down=3", "down*", "slow=5m", "crash-before", "crash-after"),
    "read": _kinds("down", "down=3", "down*", "slow=5m", "crash-before", "crash-after"),
}
"""What is tried at every request of a role; `refuse` besides, where an operation can say no."""

AT_MOMENTS: dict[str, tuple[str, ...]] = {
    "start": ("crash", "crash=16m"),
    "finish": ("crash", "crash=16m"),
    "timer": ("crash",),
    "promise": ("crash",),
}
