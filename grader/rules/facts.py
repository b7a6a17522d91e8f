"""What a run shows, in the terms in which promises are written. Made once per run, from plain data alone."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from saga_lab import events as e
from saga_lab.sim import Request, Trace, parse
from saga_lab.worlds.world import World

if TYPE_CHECKING:
    from grader.rules import Rules

MANUAL = "manual_intervention_required"
Call = tuple[str, str]
"""An operation and a key."""


@lru_cache
def _undos(world: type[World]) -> dict[str, str]:
    """The undo of each action that has one."""
    return {x.of: x.name for x in world.operations.values() if x.role == "undo"}


class Struck(NamedTuple):
    """A fault, or a no, as it met a call: where, about what, the word for it in a token, and if it ends."""

    operation: str
    thing: str
    word: str
    endless: bool = False


class Facts:
    """One saga in one run, seen by a promise.

    `status` is what the saga returned, empty when it is no text; `ordinary` the one without faults;
    `world` the one with the names and amounts of this run, `usual` the one with those of the stories;
    `requests` those of this saga; `final` the ledgers at the end; `calls` the requests of each operation
    and key, in the order in which they were first asked; `actions` those among them that have an undo.
    """

    def __init__(self, trace: Trace, world: type[World], rules: Rules) -> None:
        self.trace = trace
        self.scenario = parse(trace.token)
        self.usual, world = world, world.varied(self.scenario.seed)
        self.world = world
        self.rules = rules
        self.operations = world.operations
        self.ordinary = rules.ordinary[trace.case]
        self.requests = trace.requests
        if world.cases[trace.case].others:
            self.requests = tuple(r for r in trace.requests if r.saga == trace.saga)
        result = trace.result
        status = result.get("status", "") if isinstance(result, dict) else ""
        self.status: str = status if isinstance(status, str) else ""
        self.final: dict[str, Any] = trace.instants[-1].ledgers
        self.undo_of = _undos(world)
        self.refused: list[Request] = []
        self.first_undo: Request | None = None
        calls: dict[Call, list[Request]] = {}
        for request in self.requests:
            call = (request.operation, request.key)
            if call in calls:
                calls[call].append(request)
            else:
                calls[call] = [request]
            if request.answer == "refused" and request.role == "action":
                self.refused.append(request)
            elif request.role == "undo" and self.first_undo is None:
                self.first_undo = request
        self.calls = calls
        self.actions = [call for call in calls if call[0] in self.undo_of]
        if result is None:
            self.status = self._status_of_an_end()

    def _status_of_an_end(self) -> str:
        """What a run without a result stands for, when it may end so."""
        if self.stopped_by_cancel and self.left_behind:
            return ""
        stuck = any(isinstance(event, e.UndoEnded) and event.stuck for event in self.trace.journal)
        if stuck and (self.trace.crashes or self.cancelled is not None):
            return MANUAL  # the engine has written the letter, and a crash or a cancel left it at that
        return self.rules.clean[0] if self.stopped_by_cancel else ""

    # ---- the scenario

    @cached_property
    def request(self) -> Any:
        """What the saga was asked to do, as its world's type; its journal is its own word for it."""
        world = self.world.varied(self.scenario.seed)
        case = world.cases[self.trace.case]
        return next(x for x in (case.request, *case.others) if world.saga_id(x) == self.trace.saga)

    @property
    def finite(self) -> bool:
        """There are faults, each of which passes by itself: no refusal, no rival, no cancel, no deadline."""
        faults = self.scenario.faults
        passing = all(not f.endless and f.kind not in ("refuse", "then", "cancel") for f in faults)
        return passing and bool(faults) and not self.late

    @property
    def late(self) -> bool:
        """A deadline of the world passed during the run, or was so near that a saga may give up."""
        end, margin = self.trace.ended, self.rules.margin
        return any(end is None or at <= end + margin for _, at in self.trace.deadlines)

    @property
    def cancelled(self) -> int | None:
        """When someone cancelled this saga (ms), in time; else None."""
        told = [x for x in self.trace.outside if x.what == "cancel" and x.accepted]
        return next((x.at for x in told if x.saga == self.trace.saga), None)

    @property
    def stopped_by_cancel(self) -> bool:
        """`Cancelled` left the saga, which it may after a cancel; so may the undo that got stuck on it."""
        left = self.trace.error.partition(":")[0] in ("Cancelled", "CompensationFailed")
        return left and self.trace.result is None and self.cancelled is not None

    @cached_property
    def left_behind(self) -> list[Call]:
        """Actions and pivots that may stand, and whose undo the engine does not know: all is done by hand.

        When `Cancelled` leaves such a saga nothing takes them back. That is risky, and a remark says so,
        but what the world shows then is not judged: a hand that undoes is as good as a registered undo.
        """
        known = {event.key for event in self.trace.journal if isinstance(event, e.StepBegun) and event.undo}
        calls = dict.fromkeys([*self.actions, *self.pivots])
        standing = [call for call in calls if call[1] not in known and self.may_stand(call)]
        return [x for x in standing if not any(r.answer == "value" for r in self.undos(x))]

    @cached_property
    def struck(self) -> list[Struck]:
        """Every fault that met a request, and every no that was an answer; not a learner's own slip."""
        told = bool(self.scenario.faults) and not self.finite
        found = dict[Struck, None]()
        for (operation, _), requests in self.calls.items():
            about = requests[0].about
            for r in requests:
                if r.answer == "refused":
                    if told and r.code not in ("bad_argument", "conflict") and not self._of_nothing(r):
                        found[Struck(operation, about, "refuse")] = None
                elif r.fault and r.fault != "refuse":
                    # Out of reach is certain only when no attempt before it is in doubt.
                    sure = not r.fault.startswith("down") or all(x.answer == "unavailable" for x in requests)
                    found[Struck(operation, about, r.fault if sure else "", r.fault.endswith("*"))] = None
        return list(found)

    def _of_nothing(self, request: Request) -> bool:
        """It takes back what had not happened by then, which every service lets pass."""
        action = (self.operations[request.operation].of, request.key)
        effects = [effect for r in self.calls.get(action, ()) for effect in r.effects]
        return request.role == "undo" and not any(
            word == "done" and at <= (request.answered or at) for at, word in effects
        )

    # ---- what the saga could know

    def may_stand(self, call: Call) -> bool:
        """As far as the saga could know, this action may have happened."""
        answers = {request.answer for request in self.calls[call]}
        if "value" in answers:
            return True
        if "refused" in answers or answers == {"unavailable"}:
            return False
        return "undone" not in self.looked_up(call)

    def looked_up(self, call: Call) -> list[str]:
        """What look-ups said about an action: done, unseen, undone."""
        service = self.operations[call[0]].service
        return [
            request.value["state"]
            for (operation, key), requests in self.calls.items()
            if key == call[1]
            and self.operations[operation].role == "look-up"
            and self.operations[operation].service == service
            for request in requests
            if isinstance(request.value, dict)
        ]

    def undos(self, call: Call) -> list[Request]:
        """The requests that take an action back; none when it has no undo."""
        return self.calls.get((self.undo_of.get(call[0], ""), call[1]), [])

    @cached_property
    def unsure(self) -> list[Call]:
        """Actions that may stand, whose undo was tried and never answered, nor found by a look-up.

        What ends by itself needs no answer, and a pivot that is known to stand no undo.
        """
        tried = [(call, self.undos(call)) for call in self.actions if call[0] not in self.rules.expiring]
        return [
            call
            for call, undos in tried
            if undos
            and self.may_stand(call)
            and not any(r.answer == "value" for r in undos)
            and "undone" not in self.looked_up(call)[-1:]
            and not (call in self.pivots and self.known(call))
        ]

    @property
    def pivots(self) -> list[Call]:
        """The calls of steps after which there is no way back."""
        kinds = self.operations
        return [x for x in self.calls if kinds[x[0]].role == "action" and kinds[x[0]].kind == "pivot"]

    @cached_property
    def pivot_known(self) -> bool:
        """The saga was told that its pivot is done, and has not taken it back."""
        return any(self.known(call) for call in self.pivots)

    def known(self, call: Call) -> bool:
        """The saga was told that this is done, and its undo, if asked for, was refused."""
        told = any(r.answer == "value" for r in self.calls[call]) or "done" in self.looked_up(call)
        return told and all(request.answer == "refused" for request in self.undos(call)[-1:])

    @property
    def pivot_stands(self) -> bool:
        """The pivot's effect is in the world at the end, whatever the saga knows of it."""
        return any(self.stands(call) for call in self.pivots)

    def over(self, call: Call) -> int | None:
        """When the effect of an action ends by itself (ms), if it does and ever took place."""
        lasts = self.rules.expiring.get(call[0])
        done = [at for request in self.calls[call] for at, effect in request.effects if effect == "done"]
        return min(done) + lasts if done and lasts is not None else None

    def ended(self, call: Call, now: int | None) -> bool:
        """By then its effect had ended by itself."""
        over = self.over(call)
        return over is not None and (now is None or over <= now)

    def anew(self, operation: str) -> bool:
        """An action that may begin anew did so, under another key."""
        return operation in self.rules.renewed and sum(name == operation for name, _ in self.calls) > 1

    def stands(self, call: Call) -> bool:
        """An action took effect, and was not taken back."""
        requests = [*self.calls[call], *(self.undos(call) if call[0] in self.undo_of else [])]
        effects = sorted(effect for request in requests for effect in request.effects)
        return [word for _, word in effects if word in ("done", "undone")][-1:] == ["done"]

    def since(self, requests: list[Request]) -> str:
        """How long the saga kept asking, in words."""
        seconds = (requests[-1].sent - requests[0].sent) / 1000
        return f"{seconds / 3600:.0f} h" if seconds >= 7200 else f"{seconds:.0f} s"

    # ---- what is written down

    @cached_property
    def letters(self) -> list[e.Parked]:
        """The dead letters, in the order in which they were written."""
        return [event for event in self.trace.journal if isinstance(event, e.Parked)]

    @cached_property
    def named(self) -> set[str]:
        """Keys that a dead letter names, as its own or as what is still done."""
        keys = {event.step: event.key for event in self.trace.journal if isinstance(event, e.StepBegun)}
        still = {keys.get(step, step) for letter in self.letters for step in letter.still_done}
        return still | {letter.key for letter in self.letters if letter.key}

    # ---- what happened in the world

    def effects(self, *words: str) -> list[tuple[int, Request]]:
        """When services did something, and for which request, in order."""
        found = [(at, r) for r in self.requests for at, effect in r.effects if effect in words]
        return sorted(found, key=lambda pair: (pair[0], pair[1].number))

    def last(self, operation: str) -> int | None:
        """The number of the last request of an operation, None when there is none."""
        return next((r.number for r in reversed(self.requests) if r.operation == operation), None)
