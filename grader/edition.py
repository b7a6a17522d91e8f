"""What a result was made by: one that the same edition made need not be made again."""

from __future__ import annotations

import functools
import hashlib
from importlib.metadata import version
from pathlib import Path

import grader
import saga_lab

_JUDGING = {
    Path(saga_lab.__file__).parent: ("", "journals", "sim", "worlds"),
    Path(grader.__file__).parent: ("", "candidate", "rules"),
}
"""The folders whose modules decide what a report says."""


@functools.cache
def edition(quick: bool) -> str:
    """The version, a hash of the code that judges, and how far it goes: `0.1.0+5d1f08a3c2e6, pairs`.

    The version alone would not do: whoever mends a rule in a checkout wants the class graded by it.
    """
    judging = hashlib.sha256()
    for top, rooms in _JUDGING.items():
        for room in rooms:
            for path in sorted((top / room).glob("*.py")):
                judging.update(path.name.encode() + b"\0" + path.read_bytes())
    return f"{version('saga-lab')}+{judging.hexdigest()[:12]}, {'singles' if quick else 'pairs'}"
