"""The API reference is made from docstrings, so each public name needs one."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any

import pytest

from tools import reference

PUBLIC = {
    f"{room.__name__}.{name}": getattr(room, name)
    for room in map(importlib.import_module, reference.ROOMS)
    for name in getattr(room, "__all__", ())
}
SPEAKING = [name for name, thing in PUBLIC.items() if inspect.isclass(thing) or inspect.isfunction(thing)]


def docstring(thing: Any) -> str:
    """What an author wrote; not what a base class or a dataclass gives."""
    own = str(vars(thing).get("__doc__") or "") if inspect.isclass(thing) else thing.__doc__ or ""
    return "" if own.startswith(f"{thing.__name__}(") else own


@pytest.mark.parametrize("name", SPEAKING)
def test_a_public_name_says_what_it_is(name: str) -> None:
    assert docstring(PUBLIC[name])


def test_the_reference_holds_every_name(tmp_path: Path) -> None:
    reference.write(tmp_path)
    pages = {room: (tmp_path / f"{room.replace('.', '/')}.html").read_text() for room in reference.ROOMS}
    for name in PUBLIC:
        room, _, own = name.rpartition(".")
        assert f'<section id="{own}">' in pages[room]
    assert "survives its process" in pages["saga_lab"]  # SqlJournal, which is loaded only when asked for
