"""The scheduler: owns the clock, the world, the journal and every fault, and plays one scenario."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from typing import Protocol, runtime_checkable

import msgspec
from msgspec import Raw

from saga_lab import events as e
from saga_lab.errors import Refused
from saga_lab.sim.candidate import EPOCH
from saga_lab.sim.faults import Fault, Scenario, check
from saga_lab.sim.messages import Append, Begin, Call, Deliver, Ended, GaveUp, Message, Order, Reply, Turn
from saga_lab.sim.sent import Sent
from saga_lab.sim.trace import Crash, Instant, Trace
from saga_lab.worlds.world import World, thing

WAY = 20
"""Milliseconds that a message takes, there or back."""
PATIENCE = 6 * 3_600_000
"""A run must end this long (ms) after its last wait or injected delay."""
AFTERMATH = 2 * 3_600_000
"""What still lands this long (ms) after the end is watched too."""
MOST_REQUESTS = 1_000
MOST_TURNS = 10_000
"""A run is broken off after so many, for it may wait and wake for ever."""


class BadMessage(Exception):
    """A candidate said what no engine says: it is not the one that this project ships."""


@runtime_checkable
class Port(Protocol):
    """A candidate, wherever it runs."""

    def exchange(self, order: Order) -> Turn:
        """One turn of its loop."""

    def close(self) -> None:
        """It is not needed any more."""


def simulate(port: Port, world: type[World], scenario: Scenario, *, lines: bool = False) -> Trace:
    """Play one scenario to its end. The same scenario and saga give the same trace, byte for byte.

    `lines`: follow the saga line by line, which is slow. Raises BadToken when this world, or this
    simulator, cannot play the scenario; BadMessage when the candidate talks nonsense.
    """
    check(scenario, world)
    return _Run(port, world, scenario, lines).play()


class _Run:
    def __init__(self, port: Port, world: type[World], scenario: Scenario, lines: bool) -> None:
        self._port = port
        self._operations = world.operations
        self._scenario = scenario
        self._lines = lines
        self._world = world(scenario.case)
        self._request = Raw(msgspec.json.encode(self._world.case.request))
        self._id = world.saga_id(self._world.case.request)
        self._now = 0
        self._due: list[tuple[int, int, Callable[[], object]]] = []
        self._order = itertools.count()
        self._wake: int | None = None
        self._turns = 0
        self._alive = False
        self._incarnation = 0
        self._journal: list[e.Event] = []
        self._sent: list[Sent] = []
        self._waiting: dict[int, Sent] = {}
        self._answers: list[tuple[Sent, Reply]] = []
        self._counts: dict[tuple[str, ...], int] = {}
        self._crashes: list[Crash] = []
        self._instants = [Instant(0, 0, self._world.ledgers())]
        self._patience = PATIENCE
        self._finished: Ended | None = None
        self._over: int | None = None
        self._again: Ended | None = None

    # ---- time

    def play(self) -> Trace:
        self._begin()
        stopped = ""
        while not stopped:
            due = self._next()
            if due is None:
                stopped = "the saga waits for something that never comes"
            elif not (stopped := self._too_long(due)):
                self._now = max(self._now, due)
                self._happen()
        if self._over is not None:
            stopped = ""
            if self._scenario.again:
                self._submit_again()
        return self._trace(stopped)

    def _next(self) -> int | None:
        """When something happens next: in the world, or in the saga."""
        due = self._due[0][0] if self._due else None
        wake = self._wake
        return wake if wake is not None and (due is None or wake < due) else due

    def _happen(self) -> None:
        due, now = self._due, self._now
        while due and due[0][0] <= now:
            heapq.heappop(due)[2]()
        if self._alive and (self._answers or (self._wake is not None and self._wake <= now)):
            answers, self._answers = self._answers, []
            for sent, reply in answers:
                sent.learn(reply, now)
            self._exchange(Deliver(now, [reply for _, reply in answers]))

    def _too_long(self, due: int) -> str:
        """Why the run is broken off before something happens that is due then; empty when it goes on."""
        if self._over is not None and due > self._over + AFTERMATH:
            return "all is over"
        if self._over is None and due > self._patience:
            return "no result 6 hours after the last wait or fault"
        if len(self._sent) >= MOST_REQUESTS:
            return f"{MOST_REQUESTS:,} requests without an end"
        return f"it waited and woke {MOST_TURNS:,} times without an end" if self._turns >= MOST_TURNS else ""

    def _at(self, when: int, what: Callable[[], object]) -> None:
        heapq.heappush(self._due, (when, next(self._order), what))

    def _allow(self, until: int) -> None:
        """Something legitimately takes until then."""
        self._patience = max(self._patience, until + PATIENCE)

    # ---- the candidate

    def _begin(self, again: bool = False) -> None:
        self._alive = True
        self._incarnation += 1
        self._waiting = {}
        self._answers = []
        self._exchange(Begin(self._id, self._request, self._journal, self._now, again, self._lines))

    def _exchange(self, order: Order) -> None:
        incarnation = self._incarnation
        turn = self._port.exchange(order)
        self._turns += 1
        self._wake = turn.wake
        for message in turn.messages:
            if not self._alive or self._incarnation != incarnation:
                return  # it died: nothing that follows was said
            self._hear(message)

    def _hear(self, message: Message) -> None:
        match message:
            case Append():
                self._append(message)
            case Call():
                self._call(message)
            case GaveUp():
                if sent := self._waiting.get(message.number):
                    self._leave(sent)
            case Ended():
                self._finished = message

    def _kill(self, fault: Fault, down: int | None = None) -> None:
        """The saga's process dies now, and starts again at once or after being `down` for some ms."""
        if not self._alive:
            return  # it is down already
        up = self._now + (down or 1)
        self._alive = False
        self._wake = None
        self._crashes.append(Crash(self._now, up, str(fault)))
        self._allow(up)
        for sent in self._waiting.values():
            if sent.answered is None and sent.given_up is None:
                self._leave(sent)
        self._at(up, self._begin)

    def _submit_again(self) -> None:
        """The same request once more, when all is over: nothing may happen."""
        calls, written = len(self._sent), len(self._journal)
        first, self._finished = self._finished, None
        self._begin(again=True)
        self._again, self._finished = self._finished, first
        if (len(self._sent), len(self._journal)) != (calls, written):
            self._again = Ended(error="the request was run a second time")

    # ---- the journal

    def _append(self, append: Append) -> None:
        if append.version != len(self._journal):
            raise BadMessage(f"a write at version {append.version} of a journal at {len(self._journal)}")
        crash: Fault | None = None
        ends = False
        for event in append.events:
            moment = _MOMENTS.get(type(event))
            if moment is not None:
                crash = self._moment(moment, event) or crash
                ends = ends or moment in ("finish", "stuck")
        if crash is None or crash.site.operation != "finish":
            self._journal.extend(append.events)
            if ends and self._over is None:
                self._over = self._now
        if crash is not None:
            self._kill(crash, crash.after)

    def _moment(self, name: str, event: e.Event) -> Fault | None:
        """A fault that strikes with this write; crashes in the middle of a wait are set up here too."""
        if isinstance(event, e.TimerSet | e.PromiseAwaited):
            self._wait(name, None if event.until is None else self._ms(event.until))
            return None
        return self._fault(name, self._count(name))

    def _wait(self, name: str, until: int | None) -> None:
        if until is not None:
            self._allow(until)
        fault = self._fault(name, self._count(name))
        if fault is not None:
            middle = self._now + 60_000 if until is None else (self._now + until) // 2
            when = middle if fault.after is None else self._now + fault.after
            self._allow(when)
            self._at(when, lambda: self._kill(fault))

    def _ms(self, seconds: float) -> int:
        return round((seconds - EPOCH) * 1000)

    # ---- requests

    def _call(self, call: Call) -> None:
        operation = self._operations.get(call.operation)
        args = msgspec.json.decode(call.args)
        if operation is None or not isinstance(args, list):
            raise BadMessage(f"a call of {call.operation!r} with {bytes(call.args)!r}")
        about = thing(operation, tuple(args))
        nth = self._count(call.operation)
        place = self._count(call.operation, about) if about else nth
        attempt = self._count(call.operation, about, call.key)
        fault = self._fault(call.operation, nth, about, place)
        sent = Sent(
            len(self._sent) + 1,
            call,
            operation,
            args,
            place,
            attempt,
            self._incarnation,
            self._now,
            fault,
            self._id,
        )
        self._sent.append(sent)
        self._waiting[call.number] = sent
        if fault is not None and fault.after:
            self._allow(self._now + fault.after)
        if fault is not None and fault.kind == "crash-before":
            self._kill(fault)
        elif fault is not None and fault.kind == "down":
            reason = f"{operation.service} cannot be reached"
            self._answer(sent, Reply(call.number, error="unavailable", reason=reason), WAY)
        elif fault is None or fault.kind != "late":
            self._at(self._now + WAY, lambda: self._arrive(sent))

    def _count(self, *what: str) -> int:
        count = self._counts[what] = self._counts.get(what, 0) + 1
        return count

    def _fault(self, operation: str, nth: int, about: str = "", place: int = 0) -> Fault | None:
        """What strikes the `nth` request of an operation, or the one in that `place` about a thing."""
        for fault in self._scenario.faults:
            site = fault.site
            if site.operation == operation and site.thing in ("", about):
                here = place if site.thing else nth
                if site.nth <= here < site.nth + fault.times:
                    return fault
        return None

    def _arrive(self, sent: Sent) -> None:
        """The service handles the request; then the answer, or what the fault makes of it."""
        fault, number = sent.fault, sent.call.number
        reply = self._handle(sent)
        if fault is None or fault.kind == "refuse":
            self._answer(sent, reply, WAY)
        elif fault.kind == "lost":
            self._answer(sent, Reply(number, error="lost", reason="the reply was lost"), WAY)
        elif fault.kind == "slow":
            self._answer(sent, reply, WAY + (fault.after or 0))
        elif fault.kind == "twice":
            self._at(self._now + (fault.after or 1), lambda: self._handle(sent))
            self._answer(sent, reply, WAY)
        elif fault.kind == "crash-after" and sent.incarnation == self._incarnation:
            self._kill(fault, fault.after)
        # `late`: nobody waits for the answer any more

    def _handle(self, sent: Sent) -> Reply:
        """The service handles a request once; the ledgers are kept as they are then."""
        call, world = sent.call, self._world
        world.now = EPOCH + self._now / 1000
        handle = world.refuse if sent.fault is not None and sent.fault.kind == "refuse" else world.apply
        try:
            effect, value = handle(call.operation, call.key, call.args)
        except Refused as refused:
            sent.effects.append((self._now, "refused"))
            return Reply(call.number, error="refused", reason=refused.reason, code=refused.code)
        sent.effects.append((self._now, effect))
        if effect in ("done", "undone"):
            self._instants.append(Instant(self._now, sent.number, world.ledgers()))
        return Reply(call.number, Raw(msgspec.json.encode(value)))

    def _answer(self, sent: Sent, reply: Reply, after: int) -> None:
        def come() -> None:
            if sent.given_up is None and self._alive and sent.incarnation == self._incarnation:
                self._answers.append((sent, reply))

        self._at(self._now + after, come)

    def _leave(self, sent: Sent) -> None:
        """The caller waits no longer; what was late lands just after that, or so much later."""
        sent.give_up(self._now)
        if sent.fault is not None and sent.fault.kind == "late":
            lands = self._now + (sent.fault.after or 1)
            self._allow(lands)
            self._at(lands, lambda: self._arrive(sent))

    # ---- the record

    def _trace(self, stopped: str) -> Trace:
        returned = next((event for event in self._journal if isinstance(event, e.Returned)), None)
        raised = next((event for event in self._journal if isinstance(event, e.Raised)), None)
        left = raised or next((event for event in self._journal if isinstance(event, e.Stuck)), None)
        return Trace(
            token=str(self._scenario),
            case=self._world.case.name,
            saga=self._id,
            epoch=EPOCH,
            requests=tuple(sent.told() for sent in self._sent),
            crashes=tuple(self._crashes),
            journal=tuple(self._journal),
            instants=tuple(self._instants),
            result=None if returned is None else msgspec.json.decode(returned.value),
            error=_in_words(left) if returned is None and left is not None else "",
            ended=self._over,
            stopped=stopped,
            again=None
            if self._again is None
            else (self._again.error or msgspec.json.decode(self._again.result)),
            line=0 if self._finished is None else self._finished.line,
        )


_MOMENTS: dict[type[e.Event], str] = {
    e.Started: "start",
    e.TimerSet: "timer",
    e.PromiseAwaited: "promise",
    e.Returned: "finish",
    e.Raised: "finish",
    e.Stuck: "stuck",
}


def _in_words(left: e.Raised | e.Stuck) -> str:
    """What left the saga in place of a result."""
    kind = left.kind.partition(":")[2] if isinstance(left, e.Raised) else left.why
    return f"{kind}: {left.reason}"
