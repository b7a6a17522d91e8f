"""The scheduler: owns the clock, the world, the journal and every fault, and plays one scenario."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw

from saga_lab import events as e
from saga_lab.sim.candidate import EPOCH
from saga_lab.sim.faults import Fault, Scenario, check
from saga_lab.sim.hearing import hear_append, hear_call, hear_end
from saga_lab.sim.messages import (
    Append,
    Begin,
    Call,
    Deliver,
    End,
    Ended,
    GaveUp,
    Message,
    Port,
    Reply,
)
from saga_lab.sim.people import People, other_request
from saga_lab.sim.sent import Sent
from saga_lab.sim.stage import WAY, Stage, in_ms, in_seconds
from saga_lab.sim.strikes import Strikes
from saga_lab.sim.trace import Crash, Request, Trace
from saga_lab.sim.worker import Saga, Worker
from saga_lab.worlds.world import World

_encode = msgspec.json.Encoder().encode

PATIENCE = 6 * 3_600_000
"""A run must end this long (ms) after its last wait or injected delay."""
FOR_PEOPLE = 100 * 86_400_000
"""For so long (ms) a saga may wait for an answer to which it has set no deadline."""
AFTERMATH = 2 * 3_600_000
"""What still lands this long (ms) after the end is watched too."""
MOST_REQUESTS = 1_000
MOST_TURNS = 10_000
"""A run is broken off after so many, for it may wait and wake for ever."""


def simulate(port: Port, world: type[World], scenario: Scenario, *, lines: bool = False) -> Trace:
    """Play one scenario to its end. The same scenario and saga give the same trace, byte for byte.

    `lines`: follow the saga line by line, which is slow. Raises BadToken when this world, or this
    simulator, cannot play the scenario; BadMessage when the candidate talks nonsense.
    """
    check(scenario, world)
    return _Run(port, world.varied(scenario.seed), scenario, lines).play()


class _Run:
    def __init__(self, port: Port, world: type[World], scenario: Scenario, lines: bool) -> None:
        self._port = port
        self._operations = world.operations
        self._scenario = scenario
        self._lines = lines
        self._stage = Stage(world, scenario.case)
        self._case = self._stage.world.case
        requests = (self._case.request, *self._case.others)
        self._sagas = [Saga(world.saga_id(each), Raw(_encode(each))) for each in requests]
        self._workers: list[Worker] = []
        self._lives = itertools.count()
        self._now = 0
        self._due: list[tuple[int, int, Callable[..., object], tuple[Any, ...]]] = []
        self._order = itertools.count()
        self._turns = 0
        self._sent: list[Sent] = []
        self._strikes = Strikes(scenario)
        self._crashes: list[Crash] = []
        self._patience = PATIENCE
        self._watched = 0
        self._over: int | None = None
        self._recovered = not scenario.recover
        self._people = People(self._case, self._sagas[0], lambda: self._now, self._land)

    # ---- time

    def play(self) -> Trace:
        for saga in self._sagas:
            self._begin(saga, next(self._lives))
        stopped = ""
        while not stopped:
            due = self._next()
            if due is None:
                ended = self._sagas[0].finished
                stopped = (ended and ended.error) or "the saga waits for something that never comes"
            elif not (stopped := self._too_long(due)):
                self._now = max(self._now, due)
                self._happen()
        if self._over is not None:
            stopped = ""
            self._once_more(self._sagas[0])
        for life in range(1, next(self._lives)):
            self._port.exchange(End(life))
        trace = self._record(stopped)
        self._let_go()
        return trace

    def _let_go(self) -> None:
        """What refers to itself would wait for the collector, which takes a tenth of the time."""
        self._due.clear()
        del self._people
        for sent in self._sent:
            sent.worker.waiting.clear()
        for saga in self._sagas:
            saga.worker = None

    def _next(self) -> int | None:
        """When something happens next: in the world, or in a saga."""
        due = self._due[0][0] if self._due else None
        for worker in self._workers:
            wake = worker.wake
            if wake is not None and (due is None or wake < due):
                due = wake
        tick = self._stage.tick
        return tick if tick is not None and (due is None or tick < due) else due

    def _happen(self) -> None:
        """All that is due: first what time alone brings, then messages, then the sagas' own timers."""
        due, now, stage = self._due, self._now, self._stage
        if stage.tick is not None and stage.tick <= now:
            stage.pass_time(now)
        while due and due[0][0] <= now:
            _, _, what, args = heapq.heappop(due)
            what(*args)
        for worker in self._workers[:]:
            if worker.alive and worker.has_work(now):
                answers, worker.answers = worker.answers, []
                facts, worker.facts = worker.facts, []
                for sent, reply in answers:
                    sent.learn(reply, now)
                self._exchange(worker, Deliver(now, [reply for _, reply in answers], facts, worker.life))

    def _too_long(self, due: int) -> str:
        """Why the run is broken off before something happens that is due then; empty when it goes on."""
        over = self._over
        if over is not None and due > max(over + AFTERMATH, self._watched):
            return "all is over"
        if over is None and due > self._patience:
            return "no result 6 hours after the last wait or fault"
        if len(self._sent) >= MOST_REQUESTS:
            return f"{MOST_REQUESTS:,} requests without an end"
        return f"it waited and woke {MOST_TURNS:,} times without an end" if self._turns >= MOST_TURNS else ""

    def _at(self, when: int, what: Callable[..., object], *args: Any) -> None:
        heapq.heappush(self._due, (when, next(self._order), what, args))

    def _allow(self, until: int) -> None:
        """Something legitimately takes until then."""
        self._patience = max(self._patience, until + PATIENCE)

    def _land(self, when: int, what: Callable[..., object], *args: Any) -> None:
        """Something comes late; it is watched even when all is over by then."""
        self._allow(when)
        self._watched = max(self._watched, when)
        self._at(when, what, *args)

    # ---- the candidate

    def _begin(self, saga: Saga, life: int, request: Raw | None = None) -> Worker:
        """A new incarnation; with a `request` it is a client that submits once more."""
        worker = saga.next_worker(life)
        self._workers = [other for other in self._workers if other.alive and other.life != life]
        self._workers.append(worker)
        again, given = request is not None, request or saga.request
        self._exchange(worker, Begin(saga.id, given, saga.journal[:], self._now, again, self._lines, life))
        return worker

    def _exchange(self, worker: Worker, order: Begin | Deliver) -> None:
        (turn,) = self._port.exchange(order)
        self._turns += 1
        worker.wake = turn.wake
        for message in turn.messages:
            if not worker.alive:
                return  # it died: nothing that follows was said
            self._hear(worker, message)

    def _hear(self, worker: Worker, message: Message) -> None:
        match message:
            case Append():
                self._append(worker, message)
            case Call():
                self._call(worker, message)
            case GaveUp():
                if sent := worker.waiting.get(message.number):
                    self._leave(sent)
            case Ended():
                hear_end(message)
                worker.saga.finished = message

    def _lose(self, worker: Worker) -> None:
        """The worker is gone; whatever it was waiting for is not heard any more."""
        worker.alive = False
        self._workers.remove(worker)
        for sent in worker.waiting.values():
            if sent.answered is None and sent.given_up is None:
                self._leave(sent)

    def _kill(self, worker: Worker, fault: Fault, down: int | None = None) -> None:
        """The saga's process dies now, and starts again at once or after being `down` for some ms."""
        if not worker.alive:
            return  # it is down already
        up = self._now + (down or 1)
        self._crashes.append(Crash(self._now, up, str(fault)))
        self._allow(up)
        self._lose(worker)
        self._at(up, self._restart, worker)

    def _restart(self, died: Worker) -> None:
        """Unless somebody else took the saga over meanwhile."""
        if died.saga.worker is died:
            self._begin(died.saga, died.life)

    def _take_over(self, worker: Worker) -> None:
        """Its lease ran out while it was away: a second worker recovers the saga, and it does not know."""
        if worker.alive and worker.saga.over is None:
            self._begin(worker.saga, next(self._lives))

    def _once_more(self, saga: Saga) -> None:
        """When all is over, the same request again, or another under its id."""
        if self._scenario.again:
            got = self._submit(saga, saga.request)
            saga.again = got.error or msgspec.json.decode(got.result)
        if self._scenario.again_other:
            got = self._submit(saga, other_request(saga.request, saga.id))
            saga.conflict = got.error or "no Conflict, but a result"

    def _submit(self, saga: Saga, request: Raw) -> Ended:
        """Nothing may happen."""
        calls, written = len(self._sent), len(saga.journal)
        first, saga.finished = saga.finished, None
        self._begin(saga, 0, request)
        got, saga.finished = saga.finished, first
        if got is None or (len(self._sent), len(saga.journal)) != (calls, written):
            return Ended(error="the request was run a second time")
        return got

    # ---- the journal

    def _append(self, worker: Worker, append: Append) -> None:
        journal = worker.saga.journal
        if worker.saga.worker is not worker:
            self._lose(worker)  # the token of its lease is old: the write is refused, and it knows now
            return
        hear_append(append, worker.saga, in_seconds(self._now))
        crash: Fault | None = None
        ends = False
        for event in append.events:
            if isinstance(event, e.DeadlineSet):
                self._allow(in_ms(event.until))
            moment = _MOMENTS.get(type(event))
            if moment is not None:
                crash = self._moment(worker, moment, event) or crash
                ends = ends or moment in ("finish", "stuck")
        if crash is None or crash.site.operation != "finish":
            journal.extend(append.events)
            if ends and worker.saga.over is None:
                worker.saga.over = self._now
                self._over = self._now if all(saga.over is not None for saga in self._sagas) else None
        if crash is not None:
            self._kill(worker, crash, crash.after)

    def _moment(self, worker: Worker, name: str, event: e.Event) -> Fault | None:
        """A fault that strikes with this write; crashes in the middle of a wait are set up here too."""
        if isinstance(event, e.TimerSet | e.PromiseAwaited):
            self._wait(worker, name, event)
            return None
        return self._strikes.moment(name)

    def _wait(self, worker: Worker, name: str, event: e.TimerSet | e.PromiseAwaited) -> None:
        until = None if event.until is None else in_ms(event.until)
        self._allow(self._now + FOR_PEOPLE if until is None else until)
        if isinstance(event, e.PromiseAwaited):
            self._people.wait_begins(worker.saga, event.name)
        fault = self._strikes.moment(name)
        if fault is not None:
            middle = self._now + 60_000 if until is None else (self._now + until) // 2
            when = middle if fault.after is None else self._now + fault.after
            self._allow(when)
            self._at(when, self._kill_in_wait, worker.saga, fault)

    def _kill_in_wait(self, saga: Saga, fault: Fault) -> None:
        if saga.worker is not None and saga.over is None:
            self._kill(saga.worker, fault)

    # ---- requests

    def _call(self, worker: Worker, call: Call) -> None:
        operation, args = hear_call(call, self._operations, worker.waiting)
        about, nth, attempt, fault = self._strikes.request(operation, call.key, tuple(args))
        sent = Sent(len(self._sent) + 1, call, operation, args, about, nth, attempt, worker, self._now, fault)
        self._sent.append(sent)
        worker.waiting[call.number] = sent
        if not self._recovered:
            self._recovered = True
            self._at(self._now + WAY // 2, self._take_over, worker)
        if fault is not None and fault.after:
            self._allow(self._now + fault.after)
        if fault is not None and fault.kind == "crash-before":
            self._kill(worker, fault)
        elif fault is not None and fault.kind == "down":
            reason = f"{operation.service} cannot be reached"
            self._reply(sent, Reply(call.number, error="unavailable", reason=reason), WAY)
        elif fault is None or fault.kind != "late":
            self._at(self._now + WAY, self._arrive, sent)
        if fault is not None and fault.kind == "cancel":
            self._at(self._now + WAY // 2, self._people.cancel, worker.saga)

    def _arrive(self, sent: Sent) -> None:
        """The service handles the request; then the answer, or what the fault makes of it."""
        fault, number = sent.fault, sent.call.number
        reply = self._stage.handle(sent, self._now)
        if fault is None or fault.kind in ("refuse", "cancel"):
            self._reply(sent, reply, WAY)
        elif fault.kind == "lost":
            self._reply(sent, Reply(number, error="lost", reason="the reply was lost"), WAY)
        elif fault.kind == "slow":
            self._reply(sent, reply, WAY + (fault.after or 0))
        elif fault.kind == "twice":
            self._land(self._now + (fault.after or 1), self._deliver_again, sent)
            self._reply(sent, reply, WAY)
        elif fault.kind == "then":
            self._stage.rival(fault.name, sent.about, self._now, sent.number)
            self._reply(sent, reply, WAY)
        elif fault.kind == "crash-after":
            self._kill(sent.worker, fault, fault.after)
        # `late`: nobody waits for the answer any more

    def _deliver_again(self, sent: Sent) -> None:
        self._stage.handle(sent, self._now)

    def _reply(self, sent: Sent, reply: Reply, after: int) -> None:
        self._at(self._now + after, self._come, sent, reply)

    def _come(self, sent: Sent, reply: Reply) -> None:
        if sent.given_up is None and sent.worker.alive:
            sent.worker.answers.append((sent, reply))

    def _leave(self, sent: Sent) -> None:
        """The caller waits no longer; what was late lands just after that, or so much later."""
        sent.give_up(self._now)
        if sent.fault is not None and sent.fault.kind == "late":
            self._land(self._now + (sent.fault.after or 1), self._arrive, sent)

    # ---- the record

    def _record(self, stopped: str) -> Trace:
        requests = tuple(sent.told() for sent in self._sent)
        first, *others = self._sagas
        told = tuple(self._told(saga, requests, stopped) for saga in others)
        return self._told(first, requests, stopped, told)

    def _told(
        self, saga: Saga, requests: tuple[Request, ...], stopped: str, others: tuple[Trace, ...] = ()
    ) -> Trace:
        return Trace(
            token=str(self._scenario),
            case=self._case.name,
            saga=saga.id,
            epoch=EPOCH,
            requests=requests,
            crashes=tuple(self._crashes),
            journal=tuple(saga.journal),
            instants=tuple(self._stage.instants),
            result=saga.result,
            error=saga.error,
            ended=saga.over,
            stopped=stopped,
            again=saga.again,
            conflict=saga.conflict,
            line=0 if saga.finished is None else saga.finished.line,
            outside=tuple(self._people.told),
            deadlines=tuple((known, due) for due, known in self._stage.deadlines.items()),
            others=others,
        )


_MOMENTS: dict[type[e.Event], str] = {
    e.Started: "start",
    e.TimerSet: "timer",
    e.PromiseAwaited: "promise",
    e.Returned: "finish",
    e.Raised: "finish",
    e.Stuck: "stuck",
}
