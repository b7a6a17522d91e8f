"""What the commands are given: a journal, an app that knows its sagas, a length of time."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from saga_lab.engine import Engine
from saga_lab.journals import Journal, JournalError

if TYPE_CHECKING:
    from saga_lab.journals.sql import SqlJournal

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Unusable(click.ClickException):
    """What the user can mend, in words."""

    exit_code = 2


@contextmanager
def opened(url: str) -> Iterator[SqlJournal]:
    """The journal at a URL. Makes none: whoever looks at one wants it to be there.

    Raises `Unusable` for whatever keeps it from being read.
    """
    from saga_lab.journals.sql import SqlJournal  # half a second that other commands need not wait for

    try:
        scheme, _, file = url.partition("?")[0].partition(":///")
        if scheme == "sqlite" and not Path(file).is_file():
            raise Unusable(f"There is no journal {file}: name the file that your engine's SqlJournal writes.")
        journal = SqlJournal(url)
    except JournalError as error:
        raise Unusable(str(error)) from None
    try:
        yield journal
    except JournalError as error:
        raise Unusable(str(error)) from None
    finally:
        journal.close()


async def engine_of(app: str, journal: Journal) -> Engine:
    """Call the app's function with the journal; it gives the engine, all its sagas registered."""
    module, _, name = app.partition(":")
    if "" not in sys.path:
        sys.path.insert(0, "")  # the folder in which the command is run, as with python -m
    try:
        make: Callable[[Journal], Any] | None = getattr(
            importlib.import_module(module), name or "engine", None
        )
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0] and error.name != module:
            raise  # a mistake within the app: its traceback tells
        raise Unusable(
            f"There is no module {module!r} here: run this where `import {module}` works."
        ) from None
    if make is None:
        raise Unusable(f"The module {module} has no {name or 'engine'!r}: write --app {module}:FUNCTION.")
    engine = make(journal) if callable(make) else make
    if inspect.isawaitable(engine):
        engine = await engine
    if not isinstance(engine, Engine) or engine.journal is not journal:
        raise Unusable(
            f"{app} gave no Engine over the journal that it was given. It should read: "
            "def engine(journal): engine = Engine(journal); engine.register(my_saga, ...); return engine"
        )
    return engine


def length(text: str) -> float:
    """A length of time in seconds: 90s, 15m, 12h, 30d."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if match is None:
        raise click.BadParameter(f"{text!r} is no length of time: write 90s, 15m, 12h or 30d")
    return float(match[1]) * UNITS[match[2]]
