"""The API reference is made from docstrings, so each public name needs one."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import pdoc
import pytest

import saga_lab

PACKAGES = [importlib.import_module(f"saga_lab{room}") for room in ("", ".journals", ".sim", ".views")]
PUBLIC = {
    f"{package.__name__}.{name}": thing
    for package in PACKAGES
    for name in package.__all__
    if inspect.isclass(thing := getattr(package, name)) or inspect.isfunction(thing)
}


def docstring(thing: Any) -> str:
    """What an author wrote; not what a base class or a dataclass gives."""
    own = str(vars(thing).get("__doc__") or "") if inspect.isclass(thing) else thing.__doc__ or ""
    return "" if own.startswith(f"{thing.__name__}(") else own


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_says_what_it_is(name: str) -> None:
    assert docstring(PUBLIC[name])


def test_the_reference_holds_every_name(tmp_path: Path) -> None:
    pdoc.pdoc("saga_lab", output_directory=tmp_path)
    sections = re.findall(r'<section id="(\w+)">', (tmp_path / "saga_lab.html").read_text())
    assert set(saga_lab.__all__) <= set(sections)
