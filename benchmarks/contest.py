"""How every engine is measured: the same four steps, the same clock, the floor in between.

Runs inside the environment of one contestant: `python contest.py CONTESTANT FOLDER ROUND`. Prints one JSON
line per figure; `us` is wall time and `cpu_us` processor time of this process, in microseconds a saga.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import logging
import os
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

AT_ONCE = (1, 100, 1000)
SECONDS = 0.4
"""How long one figure is measured."""
ANSWER = {"id": "ord-12345", "ok": True, "amount": 4200}
done: Counter[str] = Counter()
"""What the services did: an engine that leaves out work does not take part."""


class Contestant(Protocol):
    """An engine with one saga of four steps."""

    durable: bool

    async def open(self, folder: Path) -> None:
        """Make it ready; what it keeps goes into the folder."""

    async def succeed(self) -> None:
        """Run a saga whose four steps are done."""

    async def fail(self) -> None:
        """Run a saga whose fourth step is refused, so that three are undone."""


async def act() -> dict[str, object]:
    """What a service does, and what it answers."""
    done["act"] += 1
    return dict(ANSWER)


async def undo() -> None:
    """What a service takes back."""
    done["undo"] += 1


class Declined(Exception):
    """The fourth service says no."""


async def decline() -> None:
    """What the fourth service of a failing saga does."""
    done["decline"] += 1
    raise Declined


class BareAwaits:
    """The floor in memory: the calls, with neither journal nor retry nor time-out."""

    durable = False

    async def open(self, folder: Path) -> None:
        pass

    async def succeed(self) -> None:
        for _ in range(4):
            await act()

    async def fail(self) -> None:
        try:
            for _ in range(3):
                await act()
            await decline()
        except Declined:
            for _ in range(3):
                await undo()


class RawCommits:
    """The floor on disk: one commit of sqlite3 before and after each call, WAL and full sync."""

    durable = True

    async def open(self, folder: Path) -> None:
        self._db = sqlite3.connect(folder / "raw.db", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("CREATE TABLE IF NOT EXISTS line (saga INTEGER, body BLOB)")

    def commit(self) -> None:
        """One line, durable."""
        self._db.execute("INSERT INTO line VALUES (1, ?)", (b"x" * 120,))

    async def succeed(self) -> None:
        self.commit()
        for _ in range(4):
            self.commit()
            await act()
        self.commit()

    async def fail(self) -> None:
        self.commit()
        try:
            for _ in range(3):
                self.commit()
                await act()
            self.commit()
            await decline()
        except Declined:
            for _ in range(3):
                self.commit()
                await undo()
        self.commit()


def full_sync(connection: Any, record: Any) -> None:
    """For SQLAlchemy's `connect` event: a peer on SQLite writes as durably as the floor."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


EXPECTED = {"succeed": {"act": 4}, "fail": {"act": 3, "decline": 1, "undo": 3}}


async def proven(contestant: Contestant) -> None:
    """One saga of each kind, to see that the services are really called."""
    for path, expected in EXPECTED.items():
        done.clear()
        await getattr(contestant, path)()
        if dict(done) != expected:
            raise SystemExit(f"{type(contestant).__name__}.{path} did {dict(done)}, not {expected}")


async def measured(run: Callable[[], Awaitable[None]], at_once: int) -> tuple[float, float, int]:
    """Wall and processor microseconds a saga, and how many were run."""

    async def batch() -> None:
        if at_once == 1:
            await run()
        else:
            await asyncio.gather(*(run() for _ in range(at_once)))

    gc.collect()
    count, wall, cpu = 0, time.perf_counter(), time.process_time()
    while True:
        await batch()
        count += at_once
        if (spent := time.perf_counter() - wall) >= SECONDS:
            return spent / count * 1e6, (time.process_time() - cpu) / count * 1e6, count


async def main(name: str, folder: Path, round: int) -> None:
    module = importlib.import_module(f"contestants.{name}")
    contestant: Contestant = module.Contestant()
    floor: Contestant = RawCommits() if contestant.durable else BareAwaits()
    for one in (contestant, floor):
        await one.open(folder)
        await proven(one)
    for at_once in AT_ONCE:
        for path in EXPECTED:
            floor_us, floor_cpu, _ = await measured(getattr(floor, path), 1)
            us, cpu_us, count = await measured(getattr(contestant, path), at_once)
            figures = {"us": us, "cpu_us": cpu_us, "floor_us": floor_us, "floor_cpu_us": floor_cpu}
            rounded = {key: round_(value) for key, value in figures.items()}
            told = {"engine": name, "path": path, "at_once": at_once, "round": round, "sagas": count}
            print(json.dumps({**told, **rounded}), flush=True)


def round_(value: float) -> float:
    """Four digits are more than the noise leaves."""
    return float(f"{value:.4g}")


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    sys.modules["contest"] = sys.modules["__main__"]
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
    sys.stdout.flush()
    os._exit(0)  # some engines leave threads behind that never end
