"""Errors of whoever types a command, or asks for a thing."""

from __future__ import annotations


class Mendable(Exception):
    """Something that its user can mend: the text says what happened, what it means, and what to do."""
