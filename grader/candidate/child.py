"""One candidate: it runs a submission, hears orders, and answers with turns."""

from __future__ import annotations

import faulthandler
import importlib
import inspect
import io
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType, ModuleType
from typing import Any, NoReturn

from grader.candidate import confine
from grader.candidate.messages import GRADERS_FAULT, TO_A_CHILD, Channel, Heard, Listen, Load, Loaded
from saga_lab.sim.candidate import Candidate


@dataclass(frozen=True)
class Ready:
    """A submission that was compiled once, to be run in many processes; or the `problem` with it."""

    load: Load
    codes: tuple[CodeType, ...] = ()
    problem: str = ""


class _Ear(io.TextIOBase):
    """Takes the place of standard output: keeps the beginning, whatever comes."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        if len(self.text) < confine.HEARD:
            self.text = (self.text + text)[: confine.HEARD]
        return len(text)

    def writable(self) -> bool:
        return True


def compiled(load: Load) -> Ready:
    """Compile a submission, which runs nothing of it."""
    try:
        codes = [compile(part.source, part.label, "exec", dont_inherit=load.own) for part in load.parts]
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return Ready(load, problem=f"{type(error).__name__}: {error}")
    return Ready(load, tuple(codes))


def serve(connection: socket.socket, ready: Ready) -> NoReturn:
    """Serve one submission until the judge is gone; the process ends with it."""
    judge = Channel(connection)
    errors = os.fdopen(os.dup(2), "w")
    os.dup2(1, 2)  # which leads nowhere
    faulthandler.register(signal.SIGUSR1, file=errors, all_threads=False)
    confine.die_with_parent()
    confine.limit()
    if confine.silence_is_possible():
        confine.silence()
    ear = sys.stdout = sys.stderr = _Ear()
    candidate, loaded = _run(ready)
    judge.send(loaded)
    while candidate is not None and (data := judge.receive()):
        asked = TO_A_CHILD.decode(data)
        if isinstance(asked, Listen):
            judge.send(Heard(ear.text))
            ear.text = ""
            continue
        try:
            turns = [candidate.exchange(order) for order in asked.orders]
        except Exception:  # noqa: BLE001 - whatever a saga does, this does not raise
            traceback.print_exc(file=errors)
            errors.flush()
            os._exit(GRADERS_FAULT)
        judge.send(turns)
    os._exit(0)


def _run(ready: Ready) -> tuple[Candidate | None, Loaded]:
    """Run the submission's definitions, and take its function."""
    load, module = ready.load, ModuleType("submission")
    if ready.problem:
        return None, Loaded(ready.problem)
    sys.modules["submission"] = module
    labels = {part.label for part in load.parts}
    try:
        for code in ready.codes:
            exec(code, module.__dict__)
    except BaseException as error:  # noqa: BLE001 - told to its author
        frames = [x for x in traceback.extract_tb(error.__traceback__) if x.filename in labels]
        label, line = (frames[-1].filename, frames[-1].lineno or 0) if frames else ("", 0)
        return None, Loaded(f"{type(error).__name__}: {error}".removesuffix(": "), label, line)
    name, _, world = load.world.partition(":")
    function = getattr(module, load.function, None)
    if problem := unfit(function, load.function):
        return None, Loaded(problem)
    return Candidate(function, getattr(importlib.import_module(name), world)), Loaded()  # type: ignore[arg-type]


def unfit(function: Any, name: str) -> str:
    """Why this cannot be called as a saga; empty when it can."""
    if not callable(function):
        return f"{name} is {_kind(function)}, not a function"
    if not _waits(function):
        return f"{name} is a plain function: begin it with async def"
    try:
        inspect.signature(function).bind("saga", "request", "services")
    except TypeError as error:
        return f"{name} is called with three: the saga, the request, and the services ({error})"
    except ValueError:
        return ""
    return ""


def _waits(function: Callable[..., Any]) -> bool:
    """Is it an async function, or an object or decorated function that may give a coroutine?"""
    plain = inspect.isfunction(function) and not hasattr(function, "__wrapped__")
    return inspect.iscoroutinefunction(function) or not plain


def _kind(value: Any) -> str:
    return "None" if value is None else f"of type {type(value).__name__}"
