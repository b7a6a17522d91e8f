"""Errors as their owners want to read them: without the kernel's frames."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TypeVar

E = TypeVar("E", bound=BaseException)
_KERNEL = str(Path(__file__).parent)


def without_kernel(error: E) -> E:
    """The same error; its traceback keeps the frames of the saga and its services alone."""
    return error.with_traceback(_strip(error.__traceback__))


def _strip(trace: TracebackType | None) -> TracebackType | None:
    if trace is None:
        return None
    rest = _strip(trace.tb_next)
    if trace.tb_frame.f_code.co_filename.startswith(_KERNEL):
        return rest
    return TracebackType(rest, trace.tb_frame, trace.tb_lasti, trace.tb_lineno)
