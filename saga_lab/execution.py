"""One incarnation of one saga: the verbs, written down in a journal and answered from it on replay."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextvars import ContextVar
from datetime import timedelta
from hashlib import sha256
from typing import Any, TypeVar
from uuid import NAMESPACE_URL, UUID, uuid5

from saga_lab import events as e
from saga_lab.calls import Ending, Guard, attempt, failure
from saga_lab.context import Action, Check, OnStuck, SagaContext, Seconds, Undo
from saga_lab.errors import Cancelled, CompensationFailed, PivotPassed, Refused, StepFailed, TimedOut
from saga_lab.retry import Retry
from saga_lab.scopes import Registered, Scope
from saga_lab.values import ATOMS, from_json, result_type, to_json
from saga_lab.writer import Writer

T = TypeVar("T")
_DEFAULT = Retry()
_PATIENCE = 30.0


class Execution(Writer, SagaContext):
    """The verbs of `SagaContext` over a journal."""

    _scope: ContextVar[Scope]
    _branch: ContextVar[str]

    def open(self) -> None:
        """Make ready to run the saga function from its first line."""
        self._scope = ContextVar("scope", default=Scope())
        self._branch = ContextVar("branch", default="")
        self._counts: dict[tuple[str, str], int] = {}
        self._args: dict[tuple[str, str], bytes] = {}
        self._last_failure: StepFailed | None = None
        self._pivot_order = -1
        self._undoing = self._record.undoing
        self._one_undo = asyncio.Lock()
        self._closing = False
        self.running: set[str] = set()

    # ---------------------------------------------------------------- steps

    async def step(
        self,
        name: str,
        action: Action[T],
        *args: Any,
        compensate: Undo | None = None,
        check: Check | None = None,
        retry: Retry = _DEFAULT,
        timeout: Seconds | None = _PATIENCE,
        pivot: bool = False,
        key: str | None = None,
    ) -> T:
        self._alive()
        if key is None:
            key = self.key(name)
        given = to_json(args, f"the arguments of step {name!r}")
        if self._args.setdefault((name, key), given) != given:
            raise ValueError(
                f"step {name!r} was called before with other arguments, but its key {key!r} can mean only one "
                f"thing: put the number into the name, for instance {name + ' 2'!r}"
            )
        nth = self._count("step", name)
        verb = f"step {name}#{nth}"
        recorded = self._record.steps.get((name, nth))
        scope = self._scope.get()
        if recorded is None:
            if compensate is not None and any(around.turned for around in scope.chain()):
                raise RuntimeError(
                    f"step {name!r} has an undo, but this saga is already undoing: after that only steps "
                    "without `compensate` may follow (or begin a new saga.scope() before the failure)"
                )
            await self._go_live(verb)
            begun = e.StepBegun(
                step=name,
                nth=nth,
                key=key,
                args=given,
                undo=compensate is not None,
                pivot=pivot,
                action=getattr(action, "__qualname__", type(action).__name__),
                id=self._id,
                at=self._clock.now(),
            )
            if not await self._write(begun, unless=self._cancel_is_pending):
                await self._raise_cancelled(verb)
            order, ended = len(self.events) - 1, None
        else:
            begun, order, ended = recorded.begun, recorded.order, recorded.ended
            self._asked(("step", name, str(nth)))
            if begun.key != key or begun.args != given:
                raise self._diverged(
                    f"step {name!r} (key {key!r}, arguments {given.decode()}) where the journal has "
                    f"key {begun.key!r}, arguments {bytes(begun.args).decode()}"
                )
        if compensate is not None:
            scope.register(Registered(name, key, compensate, pivot, order))
        cause: Exception | None = None
        value: Any = None
        if ended is None:
            if recorded is not None:
                await self._go_live(verb)
            self.running.add(name)
            try:
                ending = await self._perform(
                    begun, action, args, check, retry, _seconds(timeout), recorded is not None
                )
                ended, cause, value = await self._settle(begun, ending, result_type(action))
            finally:
                self.running.discard(name)
        elif ended.outcome == "done":
            value = from_json(ended.value, result_type(action))
        if verb in self._record.cancel_raised:
            raise Cancelled("the saga was cancelled")
        if pivot:
            passed = ended.outcome == "done" or (ended.outcome == "in doubt" and compensate is None)
            self._pivot_order = order if passed else -1
        if ended.outcome == "done":
            return value  # type: ignore[no-any-return]
        if ended.outcome != "in doubt":
            scope.forget(key)
        self._last_failure = failure(ended.outcome, ended.reason, ended.code, name, key, ended.attempts)
        raise self._last_failure from cause

    async def _perform(
        self,
        begun: e.StepBegun,
        action: Action[Any],
        args: tuple[Any, ...],
        check: Check | None,
        retry: Retry,
        timeout: float | None,
        doubt: bool,
    ) -> Ending:
        """Call the service until it answers or the budget is spent; then look up what became of it."""
        step, nth, key = begun.step, begun.nth, begun.key
        try:
            ending = await self._repeat(
                "action", step, nth, key, lambda: action(key, *args), retry, timeout, doubt, begun.at
            )
        except Cancelled as cancelled:
            ended = self._ended(begun, Ending("in doubt", reason=str(cancelled)))
            await self._raise_cancelled(f"step {step}#{nth}", ended)
        if ending.outcome != "in doubt" or check is None or self._closing:
            return ending
        try:
            found = await self._repeat(
                "check", step, nth, key, lambda: check(key), _DEFAULT, _PATIENCE, False, self._clock.now()
            )
        except Cancelled as cancelled:
            await self._raise_cancelled(
                f"step {step}#{nth}", self._ended(begun, ending._replace(cause=cancelled))
            )
        state = getattr(found.value, "state", "unseen")
        if found.outcome == "done" and state == "done":
            return Ending("done", ending.attempts, found.value.value, reason="found by a look-up")
        if found.outcome == "done" and state == "undone":
            return ending._replace(outcome="refused", reason="a look-up says that it was undone")
        return ending

    async def _settle(
        self, begun: e.StepBegun, ending: Ending, type: Any
    ) -> tuple[e.StepEnded, Exception | None, Any]:
        """Write the outcome; a value that cannot come back as its type leaves the step in doubt."""
        raw, value = e.NOTHING, ending.value
        if ending.outcome == "done":
            try:
                raw = to_json(value, f"the value of step {begun.step!r}")
                if value.__class__ not in ATOMS or (type is not Any and type is not value.__class__):
                    value = from_json(raw, type)
            except (TypeError, ValueError) as error:
                reason = f"it answered, but the answer is of no use: {error}"
                ending = Ending("in doubt", ending.attempts, reason=reason, cause=error)
                raw = e.NOTHING
        ended = self._ended(begun, ending, raw)
        await self._write(ended)
        return ended, ending.cause, value

    def _ended(self, begun: e.StepBegun, ending: Ending, value: e.Raw = e.NOTHING) -> e.StepEnded:
        done = ending.outcome == "done"
        return e.StepEnded(
            step=begun.step,
            nth=begun.nth,
            key=begun.key,
            outcome=ending.outcome,
            attempts=ending.attempts,
            value=value,
            reason="" if done else ending.reason,
            code=ending.code,
            found=done and bool(ending.reason),
            id=self._id,
            at=self._clock.now(),
        )

    async def _repeat(
        self,
        part: e.Part,
        step: str,
        nth: int,
        key: str,
        call: Callable[[], Awaitable[Any]],
        retry: Retry,
        timeout: float | None,
        doubt: bool,
        since: float,
    ) -> Ending:
        """Call until there is an answer or the budget is spent. Failed attempts of earlier lives count."""
        before = self._record.attempts.get((part, step, nth))
        ending = (
            Ending(before.outcome, before.attempt, reason=before.reason) if before else Ending("in doubt", 0)
        )
        doubt = doubt or (before is not None and before.outcome == "in doubt")
        failed = ending.attempts
        while failed < retry.attempts and not self._closing:
            patience = timeout
            if retry.within is not None:
                left = since + retry.within - self._clock.now()
                if left <= 0:
                    break
                patience = left if timeout is None else min(timeout, left)
            ending = await self._attempt(call, patience, cuttable=part != "undo")
            failed += 1
            if ending.outcome in ("done", "refused"):
                return ending._replace(attempts=failed)
            doubt = doubt or ending.outcome == "in doubt"
            pause = retry.pause(failed, self._chance(f"{part} {step}#{nth} {failed}"))
            if pause is not None and retry.within is not None:
                pause = pause if self._clock.now() + pause < since + retry.within else None
            missed = e.AttemptFailed(
                step=step,
                nth=nth,
                key=key,
                part=part,
                attempt=failed,
                outcome=ending.outcome,
                reason=ending.reason,
                pause=pause,
                id=self._id,
                at=self._clock.now(),
            )
            if pause is None or self._closing:
                self._write_later(missed)
                break
            await self._write(missed)
            await self._pause(pause, cuttable=part != "undo")
        return ending._replace(outcome="in doubt" if doubt else "unavailable", attempts=failed)

    async def _attempt(
        self, call: Callable[[], Awaitable[Any]], seconds: float | None, cuttable: bool
    ) -> Ending:
        guard = Guard()
        if cuttable:
            self._guards.add(guard)
        try:
            return await attempt(call, guard, seconds)
        except Cancelled:
            raise
        except BaseException as error:
            raise self._die(error)  # noqa: B904 - it is the same one
        finally:
            self._guards.discard(guard)
            self._alive()

    async def _pause(self, seconds: float, cuttable: bool = True) -> None:
        guard = Guard()
        if cuttable:
            self._guards.add(guard)
        try:
            await guard.wait(self._clock.sleep(seconds), None)
        except asyncio.CancelledError as error:
            raise self._die(error)  # noqa: B904 - it is the same one
        finally:
            self._guards.discard(guard)
        self._alive()

    # ---------------------------------------------------------------- undoing

    async def compensate(self, on_stuck: OnStuck = "stop") -> None:
        self._alive()
        if self._pivot_order >= 0:
            raise PivotPassed(
                "the point of no return is passed, or may be: from here the saga can only go forward"
            )
        await self._undo(self._scope.get(), on_stuck, self._last_failure)

    def scope(self, on_stuck: OnStuck = "stop") -> SavePoint:
        return SavePoint(self, on_stuck)

    async def _undo(self, scope: Scope, on_stuck: OnStuck, original: BaseException | None) -> None:
        async with self._one_undo:
            scope.turned = True
            if not self._undoing:
                self._undoing = True
                self._write_later(e.UndoingBegan(id=self._id, at=self._clock.now()))
            failures: list[StepFailed] = []
            for undo in scope.newest_first(since=self._pivot_order):
                if undo.stuck is None:
                    ended = await self._undo_one(undo)
                    if not ended.stuck:
                        del scope.undos[undo.key]
                        continue
                    undo.stuck = failure(
                        ended.outcome, ended.reason, "", f"undo of {undo.step}", undo.key, ended.attempts
                    )
                failures.append(undo.stuck)
                if on_stuck == "stop" or undo.pivot:
                    break
        told = original.failures if isinstance(original, CompensationFailed) else []
        if not all(stuck in told for stuck in failures):
            raise CompensationFailed(failures, original) from original

    async def _undo_one(self, undo: Registered) -> e.UndoEnded:
        key = undo.key
        self._asked(("undo", key, ""))
        recorded = self._record.undos.get(key)
        if recorded is not None:
            return recorded
        await self._catch_up(f"the undo of step {undo.step!r}")
        if key not in self._record.undos:
            await self._write(e.UndoBegun(step=undo.step, key=key, id=self._id, at=self._clock.now()))
        ending = await self._repeat(
            "undo", undo.step, 0, key, lambda: undo.undo(key), _DEFAULT, _PATIENCE, False, self._clock.now()
        )
        stuck = ending.outcome != "done"
        ended = e.UndoEnded(
            step=undo.step,
            key=key,
            attempts=ending.attempts,
            stuck=stuck,
            outcome=ending.outcome,
            reason=ending.reason,
            id=self._id,
            at=self._clock.now(),
        )
        if stuck:
            reason = f"undo {undo.step} by hand: {ending.reason or 'the service gave no answer'}"
            letter = self._letter(reason, "kernel", undo.step, key, ending.attempts)
            await self._write(ended, letter)
        else:
            await self._write(ended)
        return ended

    # ---------------------------------------------------------------- side by side

    async def gather(self, *steps: Coroutine[Any, Any, Any]) -> list[Any]:
        try:
            self._alive()
        except BaseException:
            for step in steps:
                step.close()
            raise
        group = self._mark("gather")
        tasks = [
            asyncio.ensure_future(self._in_branch(f"{group}.{i}:", step)) for i, step in enumerate(steps)
        ]
        if not tasks:
            return []
        self.tasks.update(tasks)
        try:
            await asyncio.wait(tasks)
        except asyncio.CancelledError as error:
            raise self._die(error)  # noqa: B904 - it is the same one
        finally:
            self.tasks.difference_update(tasks)
        self._alive()
        errors = [error for task in tasks if (error := task.exception()) is not None]
        for first in (Cancelled, BaseException):
            for error in errors:
                if isinstance(error, first):
                    raise error
        return [task.result() for task in tasks]

    async def _in_branch(self, label: str, step: Coroutine[Any, Any, T]) -> T:
        self._branch.set(label)
        return await step

    # ---------------------------------------------------------------- time and people

    async def sleep(self, seconds: Seconds) -> None:
        self._alive()
        mark = self._mark("sleep")
        verb = f"sleep {mark}"
        timer = self._record.timers.get(mark)
        self._asked(("sleep", mark, ""))
        if verb in self._record.cancel_raised:
            raise Cancelled("the saga was cancelled")
        if mark in self._record.fired:
            return
        await self._go_live(verb)
        now = self._clock.now()
        if timer is None:
            timer = e.TimerSet(mark=mark, until=now + max(0.0, _seconds(seconds) or 0.0), id=self._id, at=now)
            if not await self._write(timer, unless=self._cancel_is_pending):
                await self._raise_cancelled(verb)
        try:
            while (left := timer.until - self._clock.now()) > 0:
                self._rest(left)
                await self._pause(left)
        except Cancelled:
            await self._raise_cancelled(verb)
        await self._write(e.TimerFired(mark=mark, id=self._id, at=self._clock.now()))

    async def promise(self, name: str, type: Any = None, timeout: Seconds | None = None) -> Any:
        self._alive()
        mark = self._mark("promise")
        verb = f"promise {name} {mark}"
        wait = self._record.waits.get(mark)
        self._asked(("promise", mark, ""))
        if verb in self._record.cancel_raised:
            raise Cancelled("the saga was cancelled")
        if name not in self._answers:
            await self._go_live(verb)
            if wait is None:
                now, limit = self._clock.now(), _seconds(timeout)
                until = None if limit is None else now + limit
                wait = e.PromiseAwaited(name=name, mark=mark, until=until, id=self._id, at=now)
                if not await self._write(wait, unless=self._cancel_is_pending):
                    await self._raise_cancelled(verb)
            try:
                await self._answer(name, wait.until)
            except Cancelled:
                await self._raise_cancelled(verb)
        answer = self._answers[name]
        if isinstance(answer, e.PromiseTimedOut):
            raise TimedOut(f"nobody answered {name!r} in time")
        if answer.refused:
            raise Refused(answer.reason, step=name)
        return from_json(answer.value, Any if type is None else type)

    async def _answer(self, name: str, until: float | None) -> None:
        """Wait for the first answer; the deadline is one."""
        while name not in self._answers:
            left = None if until is None else until - self._clock.now()
            if left is not None and left <= 0:
                late = e.PromiseTimedOut(name=name, id=self._id, at=self._clock.now())
                if await self._write(late, unless=lambda: name in self._answers):
                    self._answers[name] = late
                return
            self._rest(left)
            guard = Guard()
            self._guards.add(guard)
            waiter = self._waiting_for(name)
            try:
                await guard.wait(waiter, left)
            except TimeoutError:
                continue
            except asyncio.CancelledError as error:
                raise self._die(error)  # noqa: B904 - it is the same one
            finally:
                self._guards.discard(guard)
            self._alive()

    # ---------------------------------------------------------------- values, letters

    @property
    def id(self) -> str:
        return self._id

    def key(self, step: str) -> str:
        if not step or "/" in step:
            raise ValueError(
                f"a step needs a name without '/', not {step!r}: its key is '<saga id>/<step name>'"
            )
        return f"{self._id}/{step}"

    def now(self) -> float:
        self._alive()
        mark = self._mark("now")
        if mark in self._record.notes:
            return self._record.notes[mark]
        now = self._clock.now()
        self._write_later(e.Noted(mark=mark, value=now, id=self._id, at=now))
        return now

    def uuid(self) -> UUID:
        return uuid5(NAMESPACE_URL, f"saga:{self._id}:{self._mark('uuid')}")

    def random(self) -> float:
        return self._chance(f"random {self._mark('random')}")

    def park(self, reason: str, failure: StepFailed | None = None) -> Awaitable[None]:
        self._alive()
        mark = self._mark("park")
        failure = failure or self._last_failure
        step, key, attempts = (failure.step, failure.key, failure.attempts) if failure else ("", "", 0)
        letters = [*self._record.letters, *(x for x in self._all_events() if isinstance(x, e.Parked))]
        by_kernel = any(letter.by == "kernel" and letter.key == key for letter in letters)
        if not by_kernel and not any(letter.by == "saga" and letter.mark == mark for letter in letters):
            self._write_later(self._letter(reason, "saga", step, key, attempts, mark))
        return _Done()

    def _chance(self, what: str) -> float:
        """A number from 0 up to 1 that depends on the saga and on `what` alone."""
        return int.from_bytes(sha256(f"{self._id} {what}".encode()).digest()[:6]) / 2**48

    def _mark(self, kind: str) -> str:
        branch = self._branch.get()
        return f"{branch}{self._count(kind, branch)}"

    def _count(self, kind: str, name: str) -> int:
        count = self._counts[kind, name] = self._counts.get((kind, name), 0) + 1
        return count


class SavePoint:
    """`async with saga.scope():`, as an object."""

    def __init__(self, execution: Execution, on_stuck: OnStuck) -> None:
        self._execution = execution
        self._on_stuck = on_stuck

    async def __aenter__(self) -> None:
        self._execution._alive()
        scope = self._execution._scope
        self._inner = Scope(outer=scope.get())
        self._before = scope.set(self._inner)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: Any
    ) -> None:
        self._execution._scope.reset(self._before)
        self._execution._alive()
        if error is None:
            self._inner.join_outer()
        elif isinstance(error, Exception):
            await self._execution._undo(self._inner, self._on_stuck, error)


class _Done:
    """Already done; awaiting it changes nothing."""

    def __await__(self) -> Generator[Any, None, None]:
        return
        yield


def _seconds(length: Seconds | None) -> float | None:
    return length.total_seconds() if isinstance(length, timedelta) else length
