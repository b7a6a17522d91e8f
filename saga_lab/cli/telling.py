"""How the commands tell what they found: tables for people, JSON for programs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import click
import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from saga_lab import events as e
from saga_lab.fold import State

COLOURS = {State.STUCK: "red", State.COMPENSATED: "yellow", State.COMPLETED: "green"}
WIDE = 200
"""Columns where nobody looks: a pipe, a file."""
HIDDEN = ("id", "at", "type", "cause")  # the first three stand beside it, the last is for programs


def table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
    """Print a table. Nothing in it is cut off: what is too long goes on in the next line."""
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    Console(width=None if sys.stdout.isatty() else WIDE).print(drawn)


def as_json(what: Any) -> None:
    """Print plain data, indented."""
    click.echo(msgspec.json.format(msgspec.json.encode(what), indent=2).decode())


def when(at: float) -> str:
    """An instant as people write it; UTC, whole milliseconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(" ", "milliseconds").removesuffix("+00:00") + "Z"


def state_of(state: State) -> Text:
    return Text(state.value, style=COLOURS.get(state, ""))


def details(event: e.Event) -> str:
    """What an event tells beside its type, id and time; what has its default is left out."""
    told = msgspec.to_builtins(event, builtin_types=(msgspec.Raw,))
    usual = dict(zip(event.__struct_fields__[::-1], event.__struct_defaults__[::-1], strict=False))
    return "  ".join(
        f"{name}={_plain(value)}"
        for name, value in told.items()
        if name not in HIDDEN and value != usual.get(name, ...)
    )


def _plain(value: Any) -> str:
    if isinstance(value, msgspec.Raw):
        return bytes(value).decode()
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
