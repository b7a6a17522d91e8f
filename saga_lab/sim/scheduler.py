"""The scheduler: owns the clock, the world, the journal and every fault, and plays one scenario."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import msgspec
from msgspec import Raw

from saga_lab import events as e
from saga_lab.errors import Refused
from saga_lab.sim.candidate import EPOCH
from saga_lab.sim.faults import MOMENTS, BadToken, Fault, Scenario
from saga_lab.sim.messages import Append, Begin, Call, Deliver, Ended, GaveUp, Message, Order, Reply, Turn
from saga_lab.sim.trace import Answer, Crash, Instant, Request, Trace
from saga_lab.worlds.world import Effect, World, thing

WAY = 20
"""Milliseconds that a message takes, there or back."""
PATIENCE = 6 * 3_600_000
"""A run must end this long (ms) after its last wait or injected delay."""
AFTERMATH = 2 * 3_600_000
"""What still lands this long (ms) after the end is watched too."""
MOST_REQUESTS = 1_000


@runtime_checkable
class Port(Protocol):
    """A candidate, wherever it runs."""

    def exchange(self, order: Order) -> Turn:
        """One turn of its loop."""

    def close(self) -> None:
        """It is not needed any more."""


def simulate(port: Port, world: type[World], scenario: Scenario, *, lines: bool = False) -> Trace:
    """Play one scenario to its end. The same scenario and saga give the same trace, byte for byte."""
    return _Run(port, world, scenario, lines).play()


@dataclass(slots=True)
class _Sent:
    """A request under way."""

    number: int
    call: Call
    args: Any
    nth: int
    attempt: int
    incarnation: int
    sent: int
    fault: Fault | None
    effects: list[tuple[int, Effect]] = field(default_factory=list)
    answered: int | None = None
    answer: Answer = ""
    value: Any = None
    reason: str = ""
    code: str = ""
    given_up: int | None = None


class _Run:
    def __init__(self, port: Port, world: type[World], scenario: Scenario, lines: bool) -> None:
        for fault in scenario.faults:
            _check(fault, world)
        self._port = port
        self._type = world
        self._scenario = scenario
        self._lines = lines
        self._world = world(scenario.case)
        self._request = Raw(msgspec.json.encode(self._world.case.request))
        self._id = world.saga_id(self._world.case.request)
        self._now = 0
        self._heap: list[tuple[int, int, Callable[[], object]]] = []
        self._order = itertools.count()
        self._replies: list[Reply] = []
        self._wake: int | None = None
        self._alive = False
        self._incarnation = 0
        self._journal: list[e.Event] = []
        self._sent: list[_Sent] = []
        self._counts: dict[tuple[str, ...], int] = {}
        self._moments: dict[str, int] = {}
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
        while True:
            due = self._heap[0][0] if self._heap else None
            if self._alive and self._wake is not None and (due is None or self._wake < due):
                due = self._wake
            if due is None:
                break
            if stopped := self._too_long(due):
                break
            self._now = max(self._now, due)
            while self._heap and self._heap[0][0] <= self._now:
                heapq.heappop(self._heap)[2]()
            if self._alive and (self._replies or (self._wake is not None and self._wake <= self._now)):
                replies, self._replies = self._replies, []
                self._take(self._port.exchange(Deliver(self._now, replies)))
        if self._over is None and not stopped:
            stopped = "the saga waits for something that never comes"
        if self._scenario.again and self._over is not None:
            self._submit_again()
        return self._trace("" if self._over is not None else stopped)

    def _too_long(self, due: int) -> str:
        if self._over is not None:
            return "over" if due > self._over + AFTERMATH else ""
        if due > self._patience:
            return "no result 6 hours after the last wait or fault"
        return f"{MOST_REQUESTS} requests without an end" if len(self._sent) >= MOST_REQUESTS else ""

    def _at(self, when: int, what: Callable[[], object]) -> None:
        heapq.heappush(self._heap, (when, next(self._order), what))

    def _allow(self, until: int) -> None:
        """Something legitimately takes until then."""
        self._patience = max(self._patience, until + PATIENCE)

    # ---- the candidate

    def _begin(self) -> None:
        self._alive = True
        self._incarnation += 1
        self._replies = []
        begin = Begin(self._id, self._request, self._journal, self._now, lines=self._lines)
        self._take(self._port.exchange(begin))

    def _take(self, turn: Turn) -> None:
        incarnation = self._incarnation
        self._wake = turn.wake
        for message in turn.messages:
            if not self._alive or self._incarnation != incarnation:
                return  # it died: nothing that follows was said
            self._hear(message)

    def _hear(self, message: Message) -> None:
        match message:
            case Call():
                self._call(message)
            case Append():
                self._append(message)
            case GaveUp():
                self._gave_up(message.number)
            case Ended():
                self._finished = message

    def _kill(self, site: str, after: int | None) -> None:
        """The saga's process dies now, and starts again at once or `after` ms later."""
        up = self._now + (after or 1)
        self._alive = False
        self._wake = None
        self._crashes.append(Crash(self._now, up, site))
        self._allow(up)
        for sent in self._sent:
            if sent.answered is None and sent.given_up is None and sent.incarnation == self._incarnation:
                self._leave(sent)
        self._at(up, self._begin)

    def _submit_again(self) -> None:
        """The same request once more, when all is over: nothing may happen."""
        calls, written = len(self._sent), len(self._journal)
        self._finished = None
        self._alive = True
        self._incarnation += 1
        self._take(self._port.exchange(Begin(self._id, self._request, self._journal, self._now, again=True)))
        self._again = self._finished
        self._finished = None
        if (len(self._sent), len(self._journal)) != (calls, written):
            self._again = Ended(error="the request was run a second time")

    # ---- the journal

    def _append(self, append: Append) -> None:
        if append.version != len(self._journal):
            raise RuntimeError(f"a write at version {append.version} of a journal at {len(self._journal)}")
        crash: Fault | None = None
        for event in append.events:
            crash = crash or self._moment(event)
        if crash is not None and crash.site.operation == "finish":
            self._kill(str(crash), crash.after)
            return
        self._journal.extend(append.events)
        if self._over is None and any(isinstance(x, e.Returned | e.Raised | e.Stuck) for x in append.events):
            self._over = self._now
        if crash is not None:
            self._kill(str(crash), crash.after)

    def _moment(self, event: e.Event) -> Fault | None:
        """A fault that strikes with this write; crashes in the middle of a wait are set up here too."""
        match event:
            case e.Started():
                name, until = "start", None
            case e.Returned() | e.Raised():
                name, until = "finish", None
            case e.TimerSet():
                name, until = "timer", self._ms(event.until)
            case e.PromiseAwaited():
                name, until = "promise", None if event.until is None else self._ms(event.until)
            case _:
                return None
        nth = self._moments[name] = self._moments.get(name, 0) + 1
        if until is not None:
            self._allow(until)
        for fault in self._scenario.faults:
            if (fault.site.operation, fault.site.nth) == (name, nth):
                if name in ("start", "finish"):
                    return fault
                middle = (self._now + until) // 2 if until is not None else self._now + 60_000
                when = middle if fault.after is None else self._now + fault.after
                self._at(when, lambda fault=fault: self._kill(str(fault), None))  # type: ignore[misc]
        return None

    def _ms(self, seconds: float) -> int:
        return round((seconds - EPOCH) * 1000)

    # ---- requests

    def _call(self, call: Call) -> None:
        operation = self._type.operations.get(call.operation)
        if operation is None:
            self._reply(call.number, Reply(call.number, error="unavailable", reason="no such operation"), WAY)
            return
        args = msgspec.json.decode(call.args)
        about = thing(operation, tuple(args))
        nth = self._count(call.operation)
        nth_about = self._count(call.operation, about) if about else nth
        attempt = self._count(call.operation, about, call.key)
        fault = self._fault(call.operation, about, nth, nth_about)
        sent = _Sent(len(self._sent) + 1, call, args, nth_about, attempt, self._incarnation, self._now, fault)
        self._sent.append(sent)
        kind = fault.kind if fault else ""
        if fault and fault.after:
            self._allow(self._now + fault.after)
        if kind == "crash-before":
            self._kill(str(fault), None)
        elif kind == "down":
            reason = f"{operation.service} cannot be reached"
            self._answer(sent, Reply(call.number, error="unavailable", reason=reason), WAY)
        elif kind != "late":
            self._at(self._now + WAY, lambda: self._arrive(sent))

    def _count(self, *what: str) -> int:
        count = self._counts[what] = self._counts.get(what, 0) + 1
        return count

    def _fault(self, operation: str, about: str, nth: int, nth_about: int) -> Fault | None:
        for fault in self._scenario.faults:
            site = fault.site
            if site.operation == operation and site.thing in ("", about):
                place = nth_about if site.thing else nth
                if site.nth <= place < site.nth + fault.times:
                    return fault
        return None

    def _arrive(self, sent: _Sent) -> None:
        """The service handles the request; then the answer, or what the fault makes of it."""
        fault, number = sent.fault, sent.call.number
        kind = fault.kind if fault else ""
        reply = self._handle(sent, refuse=kind == "refuse")
        if fault is None or kind == "refuse":
            self._answer(sent, reply, WAY)
        elif kind == "lost":
            self._answer(sent, Reply(number, error="lost", reason="the reply was lost"), WAY)
        elif kind == "slow":
            self._answer(sent, reply, WAY + (fault.after or 0))
        elif kind == "twice":
            self._at(self._now + (fault.after or 1), lambda: self._handle(sent))
            self._answer(sent, reply, WAY)
        elif kind == "crash-after" and self._alive and self._incarnation == sent.incarnation:
            self._kill(str(fault), fault.after)
        # `late`: nobody waits for the answer any more

    def _handle(self, sent: _Sent, refuse: bool = False) -> Reply:
        """The service handles a request once; the ledgers are kept as they are then."""
        call, world = sent.call, self._world
        world.now = EPOCH + self._now / 1000
        handle = world.refuse if refuse else world.apply
        try:
            effect, value = handle(call.operation, call.key, call.args)
        except Refused as refused:
            sent.effects.append((self._now, "refused"))
            return Reply(call.number, error="refused", reason=refused.reason, code=refused.code)
        sent.effects.append((self._now, effect))
        if effect in ("done", "undone"):
            self._instants.append(Instant(self._now, sent.number, world.ledgers()))
        return Reply(call.number, Raw(msgspec.json.encode(value)))

    def _answer(self, sent: _Sent, reply: Reply, after: int) -> None:
        self._at(self._now + after, lambda: self._answer_now(sent, reply))

    def _answer_now(self, sent: _Sent, reply: Reply) -> None:
        if sent.given_up is not None or not self._alive or self._incarnation != sent.incarnation:
            return
        sent.answered = self._now
        sent.answer = reply.error or "value"
        sent.value = None if reply.error else msgspec.json.decode(reply.value)
        sent.reason, sent.code = reply.reason, reply.code
        self._replies.append(reply)

    def _reply(self, number: int, reply: Reply, after: int) -> None:
        incarnation = self._incarnation
        self._at(
            self._now + after,
            lambda: self._replies.append(reply) if incarnation == self._incarnation else None,
        )

    def _gave_up(self, number: int) -> None:
        for sent in reversed(self._sent):
            if sent.call.number == number and sent.incarnation == self._incarnation:
                self._leave(sent)
                return

    def _leave(self, sent: _Sent) -> None:
        """The caller waits no longer; what was late lands just after that, or so much later."""
        sent.given_up = self._now
        if sent.fault is not None and sent.fault.kind == "late":
            lands = self._now + (sent.fault.after or 1)
            self._allow(lands)
            self._at(lands, lambda: self._arrive(sent))

    # ---- the record

    def _trace(self, stopped: str) -> Trace:
        ended = self._finished
        result = next((x for x in self._journal if isinstance(x, e.Returned)), None)
        raised = next((x for x in self._journal if isinstance(x, e.Raised | e.Stuck)), None)
        error = "" if raised is None else f"{getattr(raised, 'kind', '').partition(':')[2]}: {raised.reason}"
        return Trace(
            token=str(self._scenario),
            case=self._world.case.name,
            saga=self._id,
            epoch=EPOCH,
            requests=tuple(self._told(sent) for sent in self._sent),
            crashes=tuple(self._crashes),
            journal=tuple(self._journal),
            instants=tuple(self._instants),
            result=None if result is None else msgspec.json.decode(result.value),
            error=error if result is None else "",
            ended=self._over,
            stopped=stopped,
            again=None
            if self._again is None
            else (self._again.error or msgspec.json.decode(self._again.result)),
            line=0 if ended is None else ended.line,
        )

    def _told(self, sent: _Sent) -> Request:
        operation = self._type.operations[sent.call.operation]
        return Request(
            number=sent.number,
            operation=operation.name,
            role=operation.role,
            kind=operation.kind,
            key=sent.call.key,
            args=tuple(sent.args),
            nth=sent.nth,
            attempt=sent.attempt,
            incarnation=sent.incarnation,
            sent=sent.sent,
            fault=sent.fault.word if sent.fault else "",
            effects=tuple(sent.effects),
            answered=sent.answered,
            answer=sent.answer,
            value=sent.value,
            reason=sent.reason,
            code=sent.code,
            given_up=sent.given_up,
            line=sent.call.line,
        )


def _check(fault: Fault, world: type[World]) -> None:
    """Refuse what this world or this simulator cannot do, before anything runs."""
    name = fault.site.operation
    if name not in MOMENTS and name not in world.operations:
        raise BadToken(
            f"the world {world.name!r} has no {name!r}: choose one of {', '.join(world.operations)}"
        )
    if fault.kind in ("then", "cancel"):
        raise BadToken(f"{fault}: this simulator has no rivals and no cancels yet")
    operation = world.operations.get(name)
    if fault.kind == "refuse" and operation is not None and not operation.refusable:
        raise BadToken(f"{fault}: {name} never says no")
