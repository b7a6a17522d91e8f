"""A world during one run: it handles requests, lets time pass, and keeps its ledgers at every change."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from saga_lab.errors import Refused
from saga_lab.sim.candidate import EPOCH
from saga_lab.sim.messages import Reply
from saga_lab.sim.sent import Sent
from saga_lab.sim.trace import Instant
from saga_lab.worlds.world import Rival, World

WAY = 20
"""Milliseconds that a message takes, there or back."""
FAR = 1 << 53
"""Milliseconds, 285,000 years: up to here a float counts every one."""
_encode = msgspec.json.Encoder().encode


def in_ms(seconds: float) -> int:
    """Milliseconds of the run, from seconds of the world's clock; nothing is further off than FAR."""
    return round(max(-FAR, min(FAR, (seconds - EPOCH) * 1000)))


def in_seconds(ms: int) -> float:
    """Seconds of the world's clock, from milliseconds of the run."""
    return EPOCH + ms / 1000


class Stage:
    """`tick`: when something next happens by time alone, in ms. `deadlines`: when each became known."""

    def __init__(self, world: type[World], case: str) -> None:
        self.world = world(case)
        self.instants = [Instant(0, 0, self.world.ledgers())]
        self.deadlines: dict[int, int] = {}
        self.tick: int | None = None
        self._stay: dict[str, tuple[Rival, str]] = {}
        self._timed = world.due is not World.due
        self._expires = world.deadlines is not World.deadlines
        self.world.be(EPOCH)
        self._look_at_the_clock(0)

    def handle(self, sent: Sent, now: int) -> Reply:
        """A service handles a request once."""
        call, world = sent.call, self.world
        world.now = in_seconds(now)
        handle = world.refuse if sent.fault is not None and sent.fault.kind == "refuse" else world.apply
        try:
            effect, value = handle(call.operation, call.key, call.args)
        except Refused as refused:
            refused.with_traceback(None)  # the service keeps it, but need not keep all that led here
            sent.effects.append((now, "refused"))
            return Reply(call.number, error="refused", reason=refused.reason, code=refused.code)
        sent.effects.append((now, effect))
        if effect == "done" or effect == "undone":
            self._changed(now, sent.number)
        return Reply(call.number, Raw(_encode(value)))

    def rival(self, name: str, about: str, now: int, number: int) -> None:
        """A rival acts, right after a request; one that stays will be asked again."""
        rival = self.world.rivals[name]
        self.world.be(in_seconds(now))
        if rival.act(self.world, about):
            self._changed(now, number, name)
        if rival.stays:
            self._stay[name] = (rival, about)

    def pass_time(self, now: int) -> None:
        """What happens by itself."""
        self.world.be(in_seconds(now))
        if self.world.pass_time():
            self._changed(now, 0, "time")
        else:
            self._chance(now, 0)
        self._look_at_the_clock(now + 1)

    def _changed(self, now: int, number: int, by: str = "") -> None:
        self.instants.append(Instant(now, number, self.world.ledgers(), by))
        self._chance(now, number)
        self._look_at_the_clock(now)

    def _chance(self, now: int, number: int) -> None:
        """Those who stay are asked whether they can act now."""
        for name, (rival, about) in self._stay.items():
            self.world.be(in_seconds(now))
            if rival.act(self.world, about):
                self.instants.append(Instant(now, number, self.world.ledgers(), name))

    def _look_at_the_clock(self, earliest: int) -> None:
        if self._timed:
            due = self.world.due()
            self.tick = None if due is None else max(earliest, in_ms(due))
        if self._expires:
            for instant in self.world.deadlines():
                self.deadlines.setdefault(in_ms(instant), earliest)
