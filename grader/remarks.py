"""Remarks: what passes and is unwise all the same, or is behind a failure. Told from runs and from source.

The form is that of Filibuster's lint: what was seen, why it is risky, what to do instead.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

from grader.report import Remark
from grader.rules import Rules
from grader.rules.facts import Call, Facts
from saga_lab import events as e
from saga_lab.sim import Trace
from saga_lab.worlds.world import World

SIDE_BY_SIDE = ("asyncio.gather", "asyncio.create_task", "asyncio.TaskGroup")
Where = Callable[[int, str], str]
"""A line of a piece of source, in words."""


def remarks(
    traces: Sequence[Trace], rules: Rules, world: type[World], parts: Iterable[tuple[str, str]], where: Where
) -> tuple[Remark, ...]:
    """What is to be said of a submission: each thing once, by its simplest run or its first line."""
    found: dict[str, Remark] = {}
    for label, source in parts:
        for remark in _in_source(label, source, where):
            found.setdefault(remark.id, remark)
    looked, doubt = set[str](), dict[str, Facts]()
    for trace in sorted(traces, key=lambda trace: trace.token.count(" + ")):
        facts = Facts(trace, world, rules)
        for remark in _in_run(facts):
            found.setdefault(remark.id, remark)
        for call, requests in facts.calls.items():
            operation = facts.operations[call[0]]
            if operation.role == "look-up":
                looked.add(operation.service)
            elif call in facts.pivots and all(r.answer == "lost" or r.given_up for r in requests):
                doubt.setdefault(operation.service, facts)
    services = {x.service for x in world.operations.values() if x.role == "look-up"}
    for service, facts in doubt.items():
        if service in services - looked:
            found.setdefault("look-up unused", _look_up_unused(service, facts))
    return tuple(found.values())


# ---- in the source


def _in_source(label: str, source: str, where: Where) -> Iterator[Remark]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, RecursionError, MemoryError):  # a function within another; or nested too deep
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and _is_step(node.value):
            yield Remark(
                "not awaited",
                "a step is not awaited",
                "Its call is not made, or nobody hears how it ends.",
                "Write await saga.step(...), or give it to saga.gather.",
                where(node.lineno, label),
            )
        elif isinstance(node, ast.Call) and _is_step(node):
            if any(_is_key(argument) for argument in node.args[2:]):
                yield Remark(
                    "key as an argument",
                    "a key is passed by hand as an argument",
                    "saga.step gives each action the key of its step, before the other arguments.",
                    "Leave it out; an undo by hand takes it as key=saga.key(...).",
                    where(node.lineno, label),
                )
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in SIDE_BY_SIDE:
            yield Remark(
                "asyncio for saga.gather",
                f"{ast.unparse(node)} runs steps side by side",
                "It does not wait until all have settled, so an undo may overtake what is under way.",
                "Use saga.gather: it waits for all, then raises the first failure as declared.",
                where(node.lineno, label),
            )


def _is_step(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "step"


def _is_key(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "key"


# ---- in one run


def _in_run(facts: Facts) -> Iterator[Remark]:
    yield from _outside(facts)
    yield from _unknown_key(facts)
    yield from _two_keys(facts)
    yield from _odd_order(facts)
    yield from _too_late_to_cancel(facts)
    if facts.stopped_by_cancel and facts.left_behind:
        operation, key = facts.left_behind[0]
        undo = facts.undo_of.get(operation)
        yield Remark(
            "a cancel leaves things behind",
            f"cancelled, the saga leaves {operation} of {key} as it is ({facts.trace.token})",
            "The engine undoes what it knows the undo of. What you undo by hand it does not know."
            if undo
            else "The engine does not know that there is no way back, so it lets a cancel stop what follows.",
            f"Give the step compensate={undo}, or catch Cancelled and undo there too."
            if undo
            else "Give the step pivot=True: from then on a cancel comes too late.",
        )


def _too_late_to_cancel(facts: Facts) -> Iterator[Remark]:
    """What nobody can take back was done, and the engine, not told so, let a cancel be in time."""
    for call in facts.pivots if facts.cancelled is not None else ():
        undos = facts.undos(call)
        if undos and undos[-1].answer == "refused" and facts.known(call):
            yield Remark(
                "a cancel that comes too late",
                f"cancelled, the saga asks {undos[-1].operation} for what {call[0]} had done "
                f"({facts.trace.token})",
                "The engine does not know that there is no way back, so a person is called for nothing.",
                "Give the step pivot=True: from then on a cancel comes too late.",
            )


def _outside(facts: Facts) -> Iterator[Remark]:
    known = {x.key for x in facts.trace.journal if isinstance(x, e.StepBegun | e.UndoBegun)}
    for operation, key in facts.calls:
        if key not in known:
            yield Remark(
                "outside saga.step",
                f"{operation} was called outside saga.step, under {key} ({facts.trace.token})",
                "The journal does not know of it, so after a crash it is made again, or never taken back.",
                f"Pass it to a step: await saga.step(name, {operation}, ...).",
            )


def _unknown_key(facts: Facts) -> Iterator[Remark]:
    used = {(facts.operations[op].service, key) for op, key in facts.calls if op in facts.undo_of}
    for operation, key in facts.calls:
        asked = facts.operations[operation]
        if asked.role == "undo" and (asked.service, key) not in used:
            yield Remark(
                "undo of an unused key",
                f"{operation} was asked under {key}, which no action used ({facts.trace.token})",
                "An undo finds its action by the key alone. Under another one it finds nothing.",
                "Give it the key of the action: key=saga.key(the name of its step).",
            )


def _two_keys(facts: Facts) -> Iterator[Remark]:
    first: dict[tuple[str, str], Call] = {}
    for call, requests in facts.calls.items():
        about = (call[0], str(requests[0].args))
        if call[0] in facts.rules.renewed:
            continue
        if requests[0].role == "action" and first.setdefault(about, call) != call:
            yield Remark(
                "retry without a key",
                f"{call[0]} was asked for the same under {first[about][1]} and {call[1]} "
                f"({facts.trace.token})",
                "Under another key the service takes a repeat for a second order.",
                "Use the same step name again: it has the same key.",
            )


def _odd_order(facts: Facts) -> Iterator[Remark]:
    begun = {call: facts.calls[call][0].sent for call in facts.actions}
    undone = sorted((facts.undos(call)[0].sent, call) for call in facts.actions if facts.undos(call))
    for (_, earlier), (_, later) in pairwise(undone):
        if begun[earlier] < begun[later]:
            yield Remark(
                "undo in an unusual order",
                f"{facts.undo_of[earlier[0]]} came before {facts.undo_of[later[0]]} ({facts.trace.token})",
                "Later effects build on earlier ones: it goes well only while the later one never happened.",
                "Undo newest first.",
            )


def _look_up_unused(service: str, facts: Facts) -> Remark:
    return Remark(
        "look-up unused",
        f"{service}.find was never asked, though the pivot was in doubt ({facts.trace.token})",
        "What is known to be done need not be undone, and cannot be undone twice.",
        f"Give the step check={service}.find: it is asked before the step is given up.",
    )
