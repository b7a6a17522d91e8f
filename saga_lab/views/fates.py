"""What became of each step of a saga, read off the requests of one run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from msgspec import Struct

from saga_lab import definition
from saga_lab.sim.trace import Request, Trace
from saga_lab.views.story import ending
from saga_lab.worlds.world import Kind, Operation, Role, World

Fate = Literal["done", "failed", "undone", "in doubt", "never", "stuck"]


class Step(Struct, frozen=True):
    """An action of the world with its undo and its look-up, and what became of it.

    `fate`: `done` and still so; `failed`, known not to have happened; `undone`; `in doubt`, the saga
    never knew and did not undo it; `never` asked for; `stuck`, its undo was tried and never answered.
    `looked` when it was looked up; `keys`, how many steps of a saga asked for it.
    """

    action: Operation
    undo: Operation | None
    look_up: Operation | None
    fate: Fate | None = None
    looked: bool = False
    keys: int = 0


def steps(world: type[World], trace: Trace | None = None) -> list[Step]:
    """The world's actions and reads as they are declared, which is the order of a saga without faults."""
    found, others = list[Step](), list(world.operations.values())
    for operation in others:
        if operation.role in ("action", "read"):
            undo = next((o for o in others if o.role == "undo" and o.of == operation.name), None)
            # A service answers look-ups of all its keys, whichever action they belong to.
            look_up = next(
                (o for o in others if o.role == "look-up" and o.service == operation.service), None
            )
            look_up = look_up if operation.role == "action" else None
            asked = trace.requests if trace else ()
            keys = dict.fromkeys(r.key for r in asked if r.operation == operation.name)
            fates = [_fate(operation, undo, key, asked) for key in keys]
            looked = any(look_up and r.operation == look_up.name and r.key in keys for r in asked)
            found.append(Step(operation, undo, look_up, _worst(fates) if trace else None, looked, len(keys)))
    return found


def declared(saga: definition.Saga) -> list[Step]:
    """The steps of a declared saga, by their own names and those of the operations behind them."""
    found, passed = list[Step](), False
    for step in saga.steps:
        kind: Kind = "read" if not step.effect else "retriable" if passed else "compensable"
        owner = _qualified(step.action).rpartition(".")[0]
        action = Operation(
            f"{owner}.{step.name}".strip("."), "action", "pivot" if step.pivot else kind, "", ()
        )
        undo, look_up = _behind(step.compensate, "undo"), _behind(step.check, "look-up")
        found.append(Step(action, undo, look_up))
        passed = passed or step.pivot
    return found


def _behind(function: Callable[..., Any] | None, role: Role) -> Operation | None:
    return None if function is None else Operation(_qualified(function), role, "read", "", ())


def _qualified(function: Callable[..., Any]) -> str:
    """`Payments.charge`, or the bare name of a function that belongs to nothing."""
    name = str(getattr(function, "__qualname__", type(function).__qualname__))
    return ".".join(name.rpartition("<locals>.")[2].split(".")[-2:])


def undone(trace: Trace) -> list[str]:
    """The undos that ran, in their order, each once."""
    return list(dict.fromkeys(request.operation for request in trace.requests if request.role == "undo"))


def turned(trace: Trace) -> str | None:
    """The last action asked for before the first undo: where the saga turned round."""
    last = None
    for request in trace.requests:
        if request.role == "undo":
            return last
        if request.role in ("action", "read"):
            last = request.operation
    return None


def _fate(action: Operation, undo: Operation | None, key: str, asked: Sequence[Request]) -> Fate:
    calls = [r for r in asked if r.operation == action.name and r.key == key]
    undos = [r for r in asked if undo and r.operation == undo.name and r.key == key]
    if any(r.answer == "value" for r in undos):
        return "undone"
    if undos:
        return "stuck"
    if any(r.answer == "value" for r in calls) or _found(calls, asked, key):
        return "done"
    if any(r.answer == "refused" for r in calls) or all(r.answer == "unavailable" for r in calls):
        return "failed"
    return "in doubt"


def _found(calls: Sequence[Request], asked: Sequence[Request], key: str) -> bool:
    """A look-up of the same key said that it is done."""
    return any(
        r.role == "look-up"
        and r.key == key
        and r.service == calls[0].service
        and isinstance(r.value, dict)
        and r.value.get("state") == "done"
        for r in asked
    )


def _worst(fates: Sequence[Fate]) -> Fate:
    """What is told of several steps that share an action: the one to worry about most."""
    order: tuple[Fate, ...] = ("stuck", "in doubt", "failed", "undone", "done")
    return next((fate for fate in order if fate in fates), "never")


class Order(Struct, frozen=True):
    """Steps in layers, each after those it needs, and which comes directly before which."""

    layers: tuple[tuple[str, ...], ...]
    edges: tuple[tuple[str, str], ...]


def order(found: Sequence[Step], trace: Trace | None = None) -> Order:
    """Which step came before which: as declared, or as they ran, side by side where they overlapped.

    A step that was never asked for stands after the one declared before it.
    """
    # Imported here, since it takes a tenth of a second and most commands draw no graph.
    import networkx as nx  # type: ignore[import-untyped]

    before = nx.DiGraph()
    ran = dict[str, tuple[int, int]]()
    for previous, step in zip([None, *found], found, strict=False):
        name = step.action.name
        before.add_node(name)
        if trace and step.keys:
            ran[name] = _first(name, trace)
            before.add_edges_from((other, name) for other, (_, end) in ran.items() if end <= ran[name][0])
            before.add_edges_from((name, other) for other, (sent, _) in ran.items() if ran[name][1] <= sent)
        elif previous:
            before.add_edge(previous.action.name, name)
    place = {step.action.name: number for number, step in enumerate(found)}
    layers = (tuple(sorted(layer, key=place.__getitem__)) for layer in nx.topological_generations(before))
    direct = sorted(nx.transitive_reduction(before).edges, key=lambda edge: (place[edge[0]], place[edge[1]]))
    return Order(tuple(layers), tuple(direct))


def _first(name: str, trace: Trace) -> tuple[int, int]:
    """When the first step that asked for an action began and ended, all its attempts included."""
    key = next(r.key for r in trace.requests if r.operation == name)
    calls = [r for r in trace.requests if (r.operation, r.key) == (name, key)]
    return calls[0].sent, max(ending(call, trace.crashes) for call in calls)
