"""The verbs over a journal: written down as they act, answered from it on replay."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Coroutine, Generator
from contextvars import ContextVar
from typing import Any, TypeVar
from uuid import NAMESPACE_URL, UUID, uuid5

from msgspec import Raw

from saga_lab import events as e
from saga_lab.calls import DEFAULT, PATIENCE, Ending
from saga_lab.context import Action, Check, OnStuck, SagaContext, Seconds, Undo
from saga_lab.errors import Cancelled, PivotPassed, StepFailed
from saga_lab.guards import DEADLINES
from saga_lab.incarnation import Incarnation
from saga_lab.left import made_again
from saga_lab.retry import Retry
from saga_lab.steps import perform
from saga_lab.undoing import SCOPE, Registered, SavePoint, Scope, undo_all
from saga_lab.values import from_json, result_type, text, to_json
from saga_lab.waits import in_seconds, promise, sleep

T = TypeVar("T")
_BRANCH = ContextVar("branch", default="")


class Execution(SagaContext):
    """The verbs of one incarnation."""

    def __init__(self, saga: Incarnation) -> None:
        self.incarnation = self._saga = saga
        self.running: set[str] = set()
        self._counts: dict[tuple[str, str], int] = {}
        self._args: dict[tuple[str, str], bytes] = {}
        self.last_failure: StepFailed | None = None

    def enter(self) -> Scope:
        """What runs from here on is this saga, and nothing around it; gives its outermost scope."""
        root = Scope()
        SCOPE.set(root)
        DEADLINES.set(())
        _BRANCH.set("")
        return root

    # ---- steps

    async def step(
        self,
        name: str,
        action: Action[T],
        *args: Any,
        compensate: Undo | None = None,
        check: Check | None = None,
        retry: Retry = DEFAULT,
        timeout: Seconds | None = PATIENCE,
        pivot: bool = False,
        key: str | None = None,
    ) -> T:
        saga, scope = self._saga, SCOPE.get()
        saga.alive()
        key = self.key(name) if key is None else key
        given = self._same_args(name, key, args)
        nth = self._count("step", name)
        verb = f"step {name}#{nth}"
        recorded = saga.record.steps.get((name, nth))
        if recorded is None:
            if compensate is not None and scope.undoing:
                raise RuntimeError(
                    f"step {name!r} has an undo, but this saga is already undoing: after that only steps "
                    "without `compensate` may follow (or put what may fail into a saga.scope() of its own)"
                )
            what = getattr(action, "__qualname__", "")
            undo, at = compensate is not None, saga.clock.now()
            begun = e.StepBegun(name, nth, key, given, undo, pivot, what, id=saga.id, at=at)
            await saga.begin(verb, begun)
            order, ended = len(saga.events) - 1, None
        else:
            begun, order, ended = recorded.begun, recorded.order, recorded.ended
            saga.asked("step", name, str(nth))
            if (begun.key, begun.args) != (key, given):
                raise saga.diverged(f"called step {name} with {text(given)} instead of {text(begun.args)}")
        if compensate is not None:
            scope.register(Registered(name, key, compensate, pivot, order))
        passed = saga.pivot
        if pivot:
            saga.pivot = order
        if ended is None:
            self.running.add(name)
            try:
                limit = None if timeout is None else in_seconds(timeout)
                ending = await perform(saga, begun, recorded, action, args, check, retry, limit)
            finally:
                self.running.discard(name)
        else:
            value = from_json(ended.value, result_type(action)) if ended.outcome == "done" else None
            cause = None if ended.cause is None else made_again(ended.cause, saga.record)
            ending = Ending(ended.outcome, ended.attempts, value, ended.reason, ended.code, cause)
        if pivot and not (ending.outcome == "done" or (ending.outcome == "in doubt" and compensate is None)):
            saga.pivot = passed
        if ending.cut is not None:
            await saga.raise_cut(verb, ending.cut)
        saga.raise_again(verb)
        if ending.outcome == "done":
            return ending.value  # type: ignore[no-any-return]
        if ending.outcome != "in doubt":
            scope.forget(key)
        self.last_failure = ending.error(name, key)
        raise self.last_failure from ending.cause

    def _same_args(self, name: str, key: str, args: tuple[Any, ...]) -> Raw:
        given = to_json(args, "the arguments of step", name)
        if self._args.setdefault((name, key), given) != given:
            raise ValueError(
                f"step {name!r} was called before with other arguments, but its key {key!r} can mean only "
                f"one thing: put the number into the name, for instance {name + ' 2'!r}"
            )
        return given

    # ---- undoing, side by side

    async def compensate(self, on_stuck: OnStuck = "stop") -> None:
        self._saga.alive()
        if self._saga.pivot >= 0:
            raise PivotPassed(
                "the point of no return is passed, or may be: from here the saga can only go forward"
            )
        await undo_all(self._saga, SCOPE.get(), on_stuck, self.last_failure)

    def scope(self, on_stuck: OnStuck = "stop", within: Seconds | None = None) -> SavePoint:
        deadline = None if within is None else (self._mark("deadline"), in_seconds(within))
        return SavePoint(self._saga, on_stuck, deadline)

    async def gather(self, *steps: Coroutine[Any, Any, Any]) -> list[Any]:
        group = self._mark("gather")
        tasks: list[asyncio.Task[Any]] = []
        try:
            self._saga.alive()
            tasks = [
                asyncio.create_task(self._in_branch(f"{group}.{i}:", step)) for i, step in enumerate(steps)
            ]
            self._saga.tasks.update(tasks)
            if tasks:
                await asyncio.wait(tasks)
            self._saga.alive()
        except asyncio.CancelledError as error:
            raise self._saga.die(error) from None
        finally:
            self._saga.tasks.difference_update(tasks)
            for step in steps:
                if inspect.getcoroutinestate(step) == inspect.CORO_CREATED:
                    step.close()  # it never began, since the incarnation died
        failed = [task.exception() for task in tasks]
        errors = [error for error in failed if error is not None]
        if errors:
            raise min(errors, key=lambda error: not isinstance(error, Cancelled))
        return [task.result() for task in tasks]

    async def _in_branch(self, label: str, step: Coroutine[Any, Any, T]) -> T:
        _BRANCH.set(label)
        try:
            value = await step
        except Exception:
            self._saga.flush_soon()
            raise
        self._saga.flush_soon()  # the others may take long
        return value

    # ---- time and people

    async def sleep(self, seconds: Seconds) -> None:
        await sleep(self._saga, self._mark("sleep"), in_seconds(seconds))

    async def promise(self, name: str, type: Any = None, timeout: Seconds | None = None) -> Any:
        limit = None if timeout is None else in_seconds(timeout)
        return await promise(self._saga, self._mark("promise"), name, Any if type is None else type, limit)

    # ---- values and letters

    @property
    def id(self) -> str:
        return self._saga.id

    def key(self, step: str) -> str:
        if not step or "/" in step:
            raise ValueError(
                f"a step needs a name without '/', not {step!r}: its key is '<saga id>/<step name>'"
            )
        return f"{self._saga.id}/{step}"

    def version(self, name: str) -> bool:
        saga, versions = self._saga, self._saga.record.versions
        saga.alive()
        if name not in versions:
            versions[name] = not saga.replaying
            if versions[name]:
                saga.write_later(saga.new(e.Versioned, name))
        return versions[name]

    def now(self) -> float:
        saga, mark = self._saga, self._mark("now")
        saga.alive()
        if mark not in saga.record.notes:
            saga.record.notes[mark] = saga.clock.now()
            saga.write_later(saga.new(e.Noted, mark, saga.record.notes[mark]))
        return saga.record.notes[mark]

    def uuid(self) -> UUID:
        return uuid5(NAMESPACE_URL, f"saga:{self.id}:{self._mark('uuid')}")

    def random(self) -> float:
        return self._saga.chance(f"random {self._mark('random')}")

    def park(self, reason: str, failure: StepFailed | None = None) -> Awaitable[None]:
        saga, mark = self._saga, self._mark("park")
        saga.alive()
        about = failure or self.last_failure
        by_kernel = about and any(
            letter.by == "kernel" and letter.key == about.key for letter in saga.letters
        )
        if not by_kernel and not any(letter.mark == mark for letter in saga.letters):
            saga.write_later(saga.letter(reason, about, mark))
        return _Done()

    def _mark(self, kind: str) -> str:
        branch = _BRANCH.get()
        return f"{branch}{self._count(kind, branch)}"

    def _count(self, kind: str, name: str) -> int:
        count = self._counts[kind, name] = self._counts.get((kind, name), 0) + 1
        return count


class _Done:
    """Already done; awaiting it changes nothing."""

    def __await__(self) -> Generator[Any, None, None]:
        return
        yield
