"""A small world to simulate in: a desk that is held for 15 minutes, and the people around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from saga_lab import CompensationFailed, SagaContext, StepFailed, TimedOut
from saga_lab.context import Lookup
from saga_lab.errors import Refused
from saga_lab.worlds.service import Service, action, operations, undo
from saga_lab.worlds.world import Answer, Case, Rival, World

HOLD = 900.0
DAY = 86_400.0


@dataclass
class Booking:
    booking_id: str
    who: str
    days: int = 30


@dataclass
class Booked:
    status: str


class Desk(Protocol):
    async def hold(self, key: str, who: str) -> str: ...
    async def release(self, key: str) -> None: ...
    async def find(self, key: str) -> Lookup: ...
    async def take(self, key: str, who: str) -> str: ...


class Office(Protocol):
    desk: Desk


class _Desk(Service):
    def __init__(self) -> None:
        super().__init__()
        self.held: tuple[str, str, float] | None = None
        self.ends: list[float] = []
        self.taken = ""

    def ledger(self) -> Any:
        return {"held": self.held[1] if self.held else "", "taken": self.taken}

    @action("compensable")
    def hold(self, key: str, who: str) -> str:
        if self.held or self.taken:
            raise Refused("somebody else has it", "taken")
        self.held = (key, who, round(self.now + HOLD, 3))
        self.ends.append(self.held[2])
        return "hold-1"

    @undo("hold")
    def release(self, key: str) -> None:
        if self.held and self.held[0] == key:
            self.held = None

    @action("pivot", look_up=False)
    def take(self, key: str, who: str) -> str:
        if not self.held or self.held[1] != who:
            raise Refused("nothing is held for you", "expired")
        self.held, self.taken = None, who
        return "desk-1"


def _snatch(world: DeskWorld, about: str) -> bool:
    desk = world.services["desk"]
    if desk.held or desk.taken:
        return False
    desk.taken = "a rival"
    return True


def _push(world: DeskWorld, about: str) -> bool:
    world.services["desk"].held = None
    return True


class DeskWorld(World):
    name = "office"
    function = "book"
    services_type = Office
    request_type = Booking
    result_type = Booked
    operations = operations({"desk": _Desk}, ["desk.hold", "desk.take"])
    rivals: ClassVar = {
        "snatch": Rival("takes the desk as soon as it is free, and stays", _snatch, stays=True),
        "push": Rival("throws the holder out", _push, after=("desk.hold",)),
    }
    cases: ClassVar = {
        case.name: case
        for case in [
            Case(
                "plain",
                Booking("b-1", "ann"),
                "a free desk",
                True,
                (Answer("yes", True, after=DAY, since="wait"),),
            ),
            Case("early", Booking("b-1", "ann"), "yes comes first", answers=(Answer("yes", True),)),
            Case(
                "before",
                Booking("b-1", "ann"),
                "yes, in time",
                answers=(Answer("yes", True, "", 30 * DAY - 1, "wait"),),
            ),
            Case(
                "tie",
                Booking("b-1", "ann"),
                "yes, at the deadline",
                answers=(Answer("yes", True, "", 30 * DAY, "wait"),),
            ),
            Case(
                "after",
                Booking("b-1", "ann"),
                "yes, too late",
                answers=(Answer("yes", True, "", 30 * DAY + 1, "wait"),),
            ),
            Case(
                "no",
                Booking("b-1", "ann"),
                "no",
                answers=(Answer("yes", refused="never", after=5, since="wait"),),
            ),
            Case(
                "twice",
                Booking("b-1", "ann"),
                "yes, then no",
                answers=(Answer("yes", True, "", 5, "wait"), Answer("yes", False, "", 6, "wait")),
            ),
            Case("silence", Booking("b-1", "ann"), "nobody answers"),
            Case("twins", Booking("b-1", "ann"), "two at once", others=(Booking("b-2", "bob"),)),
        ]
    }

    def __init__(self, case: str = "") -> None:
        super().__init__(case)
        self.services = {"desk": _Desk()}

    @staticmethod
    def saga_id(request: Booking) -> str:
        return request.booking_id

    def due(self) -> float | None:
        held = self.services["desk"].held
        return held[2] if held else None

    def pass_time(self) -> bool:
        desk = self.services["desk"]
        ends = desk.held is not None and desk.held[2] <= self.now
        if ends:
            desk.held = None
        return ends

    def deadlines(self) -> list[float]:
        return list(self.services["desk"].ends)


async def book(saga: SagaContext, booking: Booking, office: Office) -> Booked:
    """Hold and take; give back what may be held when that fails."""
    desk = office.desk
    try:
        async with saga.scope():
            await saga.step("hold", desk.hold, booking.who, compensate=desk.release, check=desk.find)
            await saga.step("take", desk.take, booking.who, pivot=True)
    except CompensationFailed:
        return Booked("manual_intervention_required")
    except StepFailed:
        return Booked("failed")
    return Booked("taken")


async def ask_first(saga: SagaContext, booking: Booking, office: Office) -> Booked:
    """Wait for a yes, then take the desk."""
    try:
        yes = await saga.promise("yes", bool, timeout=booking.days * DAY)
    except TimedOut:
        return Booked("timeout")
    except Refused as no:
        return Booked(no.reason)
    return await book(saga, booking, office) if yes else Booked("rejected")


async def ask_in_a_scope(saga: SagaContext, booking: Booking, office: Office) -> Booked:
    """The same, with the deadline at a scope."""
    try:
        async with saga.scope(within=booking.days * DAY):
            await saga.promise("yes", bool)
    except TimedOut:
        return Booked("timeout")
    return await book(saga, booking, office)


async def ask_late(saga: SagaContext, booking: Booking, office: Office) -> Booked:
    """Take the desk first, then wait for a yes."""
    done = await book(saga, booking, office)
    answered = await ask_first(saga, booking, office) if done.status == "taken" else done
    return done if answered.status == "failed" else answered
