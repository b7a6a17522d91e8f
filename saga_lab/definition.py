"""A saga as a list of steps: data that can be checked and drawn before it ever runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, TypedDict

from saga_lab.context import Action, Check, SagaContext, Seconds, Undo
from saga_lab.retry import Retry
from saga_lab.values import result_type

Args = Callable[[Any, Mapping[str, Any]], Sequence[Any]]
"""Gives a step's arguments after the key, from the request and the results so far."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a declared saga; the fields mean what they mean to `SagaContext.step`.

    `args(request, results)` gives a tuple, the arguments after the key; without it the action takes the
    request alone. It must decide by these two only, since it runs again on every replay. A step
    without an `effect` (a look, a calculation) needs no undo.
    """

    name: str
    action: Action[Any]
    _: KW_ONLY
    args: Args | None = None
    compensate: Undo | None = None
    check: Check | None = None
    retry: Retry | None = None
    timeout: Seconds | None = 30
    pivot: bool = False
    effect: bool = True

    def arguments(self, request: Any, results: Mapping[str, Any]) -> Sequence[Any]:
        """The arguments after the key; TypeError when `args` gives a single thing."""
        if self.args is None:
            return (request,)
        given = self.args(request, results)
        if not isinstance(given, tuple | list):
            raise TypeError(
                f"the args of step {self.name!r} gave {given!r}: give a tuple, for one argument (it,)"
            )
        return given


class Saga:
    """Steps one after another, each with its undo; called like any saga function.

    The actions are operations of services at hand; where those come with each start, build the saga
    in a function of them. `request` is the request's type; without it, it comes as plain data. The
    whole is a scope: an error undoes what was done, then goes on, so that one saga may call another
    and fall back on a third. Returns the results by step name.

    The shape is that of Sage (Nebo15, Elixir): definition is data, so that a tool can look at it.
    """

    def __init__(self, name: str, steps: Sequence[Step], *, request: Any = Any) -> None:
        self.__name__ = name
        self.steps = tuple(steps)
        results = {step.name: result_type(step.action) for step in self.steps}
        # As on a function, so that an engine finds the types of the request and of the results.
        self.__annotations__ = {"request": request, "return": TypedDict("Results", results, total=False)}  # type: ignore[operator]

    async def __call__(self, saga: SagaContext, request: Any, *services: Any) -> dict[str, Any]:
        """Run the steps. `services` are not looked at: the actions have theirs."""
        results: dict[str, Any] = {}
        async with saga.scope():
            for step in self.steps:
                results[step.name] = await saga.step(
                    step.name,
                    step.action,
                    *step.arguments(request, results),
                    compensate=step.compensate,
                    check=step.check,
                    retry=step.retry or Retry(),
                    timeout=step.timeout,
                    pivot=step.pivot,
                )
        return results

    def lint(self) -> list[str]:
        """What is wrong with the list, one sentence each; empty when nothing is.

        The order of steps is that of Garcia-Molina and Salem (1987), in the words of Richardson,
        "Microservices Patterns" (2018): compensable ones, one pivot, then retriable ones.
        """
        return list(self._problems())

    def _problems(self) -> Iterator[str]:
        if not self.steps:
            yield f"saga {self.__name__!r} has no steps"
        for name, times in Counter(step.name for step in self.steps).items():
            if times > 1:
                yield f"{times} steps are named {name!r}: a name gives the key, so each needs its own"
            if not name or "/" in name:
                yield f"{name!r} cannot be the name of a step: it must be there, and hold no '/'"
        pivot: Step | None = None
        for step in self.steps:
            what = f"step {step.name!r}"
            if pivot is not None:
                yield from _after(step, pivot)
            elif step.pivot:
                pivot = step
            elif step.effect and step.compensate is None:
                yield (
                    f"{what} cannot be undone when a later one fails, nor when its own reply is lost: give "
                    "it `compensate`, or `effect=False` if it changes nothing, or make it the pivot"
                )


def _after(step: Step, pivot: Step) -> Iterator[str]:
    """From the pivot on the saga can only go forward."""
    what = f"step {step.name!r}"
    if step.pivot:
        yield f"{what} is a second pivot after {pivot.name!r}: a saga has one point of no return"
    if step.compensate is not None:
        yield f"{what} has an undo, but comes after the pivot {pivot.name!r}: nothing is undone from there"
    if step.retry is not None and step.retry.attempts < 2:
        yield f"{what} comes after the pivot {pivot.name!r} and is tried only once: it must be retriable"
