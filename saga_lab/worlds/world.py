"""What every world is: its services and their clock, the other people in it, and its cases."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, ClassVar, Literal

import msgspec
from msgspec import Raw, Struct

from saga_lab.errors import Refused
from saga_lab.worlds.variation import USUAL, Variation

Role = Literal["action", "undo", "look-up", "read"]
Kind = Literal["compensable", "pivot", "retriable", "read"]
Effect = Literal["done", "refused", "repeated", "undone", "nothing", "answered"]


class Operation(Struct, frozen=True):
    """One thing that a service can be asked for.

    `of` is the action that an undo or a look-up belongs to (else its own name), `takes` the types after
    the key, `about` the place among them of the thing that brackets name in a token. A `refusable` one
    can say no. `window`: seconds for which a key is remembered, None for ever.
    """

    name: str
    role: Role
    kind: Kind
    of: str
    takes: tuple[Any, ...]
    about: int | None = None
    refusable: bool = False
    window: float | None = None

    @property
    def service(self) -> str:
        return self.name.rpartition(".")[0]

    @property
    def verb(self) -> str:
        return self.name.rpartition(".")[2]


class Answer(Struct, frozen=True):
    """Somebody answers the promise `name` from outside, with `value`, or with a no for the reason `refused`.

    It comes `after` seconds, counted from `since`: the `start` of the run, or the instant at which the
    saga first began to `wait` for it. People keep their own calendar: what deadline a saga has set does
    not matter to them. An answer that comes too late, or second, gets a Conflict, and the trace says so.
    """

    name: str
    value: Any = None
    refused: str = ""
    after: float = 0.0
    since: Literal["start", "wait"] = "start"


class Case(Struct, frozen=True):
    """A request, and the world it meets. `faults`: tried with faults too, not only without.

    `answers`: what people outside say to the saga's promises, in the order in which they say it.
    `others`: further requests, each run at once with the first, as a saga of its own in the same world.
    `like`: another case in which all services give the same answers, but to reads.
    """

    name: str
    request: Any
    says: str
    faults: bool = False
    answers: tuple[Answer, ...] = ()
    others: tuple[Any, ...] = ()
    like: str = ""


class Rival(Struct, frozen=True):
    """Another actor in a world, who acts right after the request that a token names: `site:then:NAME`.

    `act(world, about)` does it, to the services directly or through `world.apply` under a key of its own,
    and says whether anything changed; it raises nothing. `about` is what that request was about, as
    brackets name it, else "". `after`: the operations after which it makes sense to try, all actions and
    undos when empty. One that `stays` is asked again after every later change and at every instant at
    which something happens by time alone, to the end of the run.
    """

    says: str
    act: Callable[[Any, str], bool]
    after: tuple[str, ...] = ()
    stays: bool = False


class World(ABC):
    """The services of one exercise during one run; `now` is their clock, in seconds.

    The scheduler asks `due` again whenever anything changed, and calls `pass_time` at that instant,
    before any request that arrives in the same millisecond: a hold that ends then has ended. Instants are
    whole milliseconds, so add to one with `round(now + 900, 3)`, lest a float miss it by a hair.
    """

    name: ClassVar[str]
    function: ClassVar[str]
    services_type: ClassVar[type]
    request_type: ClassVar[type]
    result_type: ClassVar[type]
    operations: ClassVar[Mapping[str, Operation]]
    cases: ClassVar[Mapping[str, Case]]
    rivals: ClassVar[Mapping[str, Rival]] = {}
    variation: ClassVar[Variation] = USUAL
    services: Mapping[str, Any]
    now: float = 0.0

    def __init__(self, case: str = "") -> None:
        if case and case not in self.cases:
            raise ValueError(f"the world {self.name!r} has no case {case!r}, only {', '.join(self.cases)}")
        self.case = self.cases[case] if case else next(iter(self.cases.values()))

    @classmethod
    def varied(cls, seed: int) -> type[World]:
        """The same world with the names and amounts of a seed, in requests, stocks and answers."""
        return _varied(cls, seed) if seed else cls

    @classmethod
    def told(cls, variation: Variation) -> Mapping[str, Case]:
        """The cases with other values; a world that has no others gives them as they are."""
        return cls.cases

    @staticmethod
    @abstractmethod
    def saga_id(request: Any) -> str:
        """The id under which a request is started."""

    def ledgers(self) -> dict[str, Any]:
        """What a person who looks at the services sees: plain data, made anew at each call."""
        return {name: service.ledger() for name, service in self.services.items()}

    def be(self, now: float) -> None:
        """It is `now`, for the world and its services."""
        self.now = now
        for service in self.services.values():
            service.now = now

    def due(self) -> float | None:
        """When something next happens here by time alone; None when nothing will."""
        return None

    def pass_time(self) -> bool:
        """Carry out what is due by `now`, so that `due` moves on. Says whether anything changed."""
        return False

    def deadlines(self) -> Iterable[float]:
        """All instants known so far at which something expires: durations are chosen around them."""
        return ()

    def apply(self, operation: str, key: str, args: Raw) -> tuple[Effect, Any]:
        """Handle a request (`args`: a JSON array): what it meant, and the value. Raises Refused."""
        asked = self.operations[operation]
        return self.services[asked.service].handle(asked, key, _checked(asked, args), self.now)  # type: ignore[no-any-return]

    def refuse(self, operation: str, key: str, args: Raw) -> tuple[Effect, Any]:
        """Say no to a request, as a service may: raises Refused and keeps it, unless the key is done."""
        asked = self.operations[operation]
        service = self.services[asked.service]
        return service.refuse(asked, key, _checked(asked, args), self.now)  # type: ignore[no-any-return]


@cache
def _varied(world: type[World], seed: int) -> type[World]:
    class Varied(world):  # type: ignore[valid-type, misc]
        variation = Variation(seed)
        cases = world.told(variation)

        def __init__(self, case: str = "") -> None:
            super().__init__(case)
            for service in self.services.values():
                service.variation = self.variation

    return Varied


def named(cases: Iterable[Case]) -> dict[str, Case]:
    """Cases by their names, in order."""
    return {case.name: case for case in cases}


def thing(operation: Operation, args: tuple[Any, ...]) -> str:
    """What a request is about, as brackets name it; empty when the operation is about nothing."""
    about = operation.about
    return str(args[about]) if about is not None and about < len(args) else ""


_DECODERS: dict[tuple[Any, ...], msgspec.json.Decoder[tuple[Any, ...]]] = {}


def _checked(operation: Operation, args: Raw) -> tuple[Any, ...]:
    """The arguments as the types that the operation takes."""
    decoder = _DECODERS.get(operation.takes)
    if decoder is None:
        decoder = _DECODERS.setdefault(operation.takes, msgspec.json.Decoder(tuple[operation.takes]))  # type: ignore[name-defined]
    try:
        return decoder.decode(args)
    except msgspec.ValidationError as error:
        reason = f"{operation.name} cannot take {bytes(args).decode()}: {error}"
        raise Refused(reason, "bad_argument") from None
