"""Events to append, as short as can be."""

from __future__ import annotations

from msgspec import Raw

from saga_lab import events as e


def started(id: str = "s1", at: float = 0.0) -> e.Started:
    return e.Started("order", Raw(b'{"amount":10}'), id=id, at=at)


def noted(value: float, id: str = "s1") -> e.Noted:
    return e.Noted("1", value, id=id)


def returned(id: str = "s1") -> e.Returned:
    return e.Returned(Raw(b'"done"'), id=id)


def parked(id: str = "s1") -> e.Parked:
    return e.Parked("call the bank", "kernel", id=id)


def turned(id: str = "s1") -> e.UndoingBegan:
    return e.UndoingBegan(id=id)


def answered(id: str = "s1") -> e.PromiseAnswered:
    return e.PromiseAnswered("approval", Raw(b"true"), id=id)
