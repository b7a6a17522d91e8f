"""Grade a file again whenever it is saved, and show the answer on one steady screen."""

from __future__ import annotations

import select
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from grader.report import Report

PAUSE = 0.3
"""Seconds between two looks. A look costs microseconds, and works on every disk, also where no event
comes: network drives, shared folders of a virtual machine."""


def versions(
    path: Path, wait: Callable[[float], bool] | None = None, pause: float = PAUSE
) -> Iterator[bytes | None]:
    """The text of a file, now and after each change; None while it is not there.

    `wait(seconds)` gives True when somebody asks for it again, as by the return key. Ends with the input.
    """
    wait = wait or _return_key
    last: tuple[bytes | None] | None = None
    try:
        while True:
            text = _text(path)
            if last != (text,):
                last = (text,)
                yield text
            if wait(pause):
                last = None
    except EOFError:
        return


def screen(report: Report, path: Path, seconds: float) -> str:
    """What is shown: the report, when it was made, and the keys."""
    at = time.strftime("%H:%M:%S")
    keys = "Save to grade again; Return: at once; Ctrl-C ends."
    return f"{report}\n{path.name}, graded at {at} in {seconds:.1f} s. {keys}\n"


def _text(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:  # an editor that replaces the file
        return None


def _return_key(seconds: float) -> bool:
    if not sys.stdin.isatty():
        time.sleep(seconds)
        return False
    if not select.select([sys.stdin], [], [], seconds)[0]:
        return False
    if not sys.stdin.readline():
        raise EOFError
    return True
