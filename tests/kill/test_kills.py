"""Real processes, real kills: afterwards every saga has ended, and the books show each of them once."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from saga_lab import Engine, Run, SqlJournal, State
from tests.kill.world import PRICE, Books, Order, Shop, expected, order_saga

SECONDS = float(os.environ.get("SAGA_KILL_SECONDS", "4"))
"""How long workers work and die. `make proof` takes longer."""
WORKERS = 3
PATIENCE = 120.0


class Worker:
    """A place for a worker: whenever one is killed, another begins, under another name."""

    def __init__(self, journal: str, books: Path, name: str = "") -> None:
        self._told = [journal, str(books)]
        self._name = name
        self.kills = 0
        self._begin()

    def _begin(self) -> None:
        name = [f"{self._name}{self.kills}"] if self._name else []
        command = [sys.executable, "-m", "tests.kill.worker", *self._told, *name]
        self._process = subprocess.Popen(command)

    def kill(self) -> None:
        """SIGKILL, and the next one."""
        self.end()
        self.kills += 1
        self._begin()

    def end(self) -> None:
        """SIGKILL, for good. A worker that ended by itself has failed."""
        assert self._process.poll() is None, "a worker ended by itself: see its traceback above"
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


@contextmanager
def working(journal: str, books: Path, names: tuple[str, ...]) -> Iterator[list[Worker]]:
    workers = [Worker(journal, books, name) for name in names]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.end()


def order_of(run: Run) -> Order:
    return msgspec.json.decode(run.events[0].request, type=Order)  # type: ignore[union-attr]


def all_runs(journal: str) -> list[Run]:
    async def listed() -> list[Run]:
        return list(Engine(SqlJournal(journal)).list())

    return asyncio.run(listed())


def test_killed_workers_and_fighting_recoverers_end_every_saga_once(
    journal_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    books, dice = tmp_path / "books.db", random.Random(7)
    Books(books)
    with working(journal_url, books, ("a", "b", "c")) as workers:
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            time.sleep(dice.uniform(0.05, 2 * SECONDS / 20))
            dice.choice(workers).kill()
    left = sum(not run.state.at_rest for run in all_runs(journal_url))
    with working(journal_url, books, ("", "")) as recoverers:
        until = time.monotonic() + PATIENCE
        for worker in recoverers:
            time.sleep(dice.uniform(0.5, 1.5))
            worker.kill()
        while not all(run.state.at_rest for run in all_runs(journal_url)):
            assert time.monotonic() < until, "two recoverers did not come to an end"
            time.sleep(0.2)
    runs = all_runs(journal_url)
    kills = sum(worker.kills + 1 for worker in [*workers, *recoverers])
    with capsys.disabled():
        print(f"\n{kills} kills, {len(runs)} sagas, {left} of them left to the recoverers")
    assert len(runs) > 20 and left > 0
    orders = {run.id: order_of(run) for run in runs}
    states = {run.id: run.state for run in runs}
    assert states == {
        id: State.COMPENSATED if order.hopeless else State.COMPLETED for id, order in orders.items()
    }
    found = Books(books).effects()
    assert found == {
        key: effects for id, order in orders.items() for key, effects in expected(id, order.hopeless).items()
    }
    paid = sum(cents for effects in found.values() for _, cents in effects)
    assert paid == PRICE * sum(not order.hopeless for order in orders.values())


# ---- dying at every write


class Dying:
    """A journal in whose process death comes with a certain write: just before it, or just after."""

    def __init__(self, journal: SqlJournal, write: int, when: str) -> None:
        self._journal, self._left, self._when = journal, write, when

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    async def append(self, *told: Any) -> None:
        await self._write(self._journal.append, *told)

    async def claim(self, *told: Any) -> int | None:
        return await self._write(self._journal.claim, *told)

    async def _write(self, write: Callable[..., Any], *told: Any) -> Any:
        self._left -= 1
        if self._left == 0 and self._when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = await write(*told)
        if self._left == 0 and self._when == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return answer


class Later:
    """A clock an hour ahead, by which the dead worker's lease is over."""

    def now(self) -> float:
        return time.time() + 3600

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def one_order(engine: Engine, books: Path, hopeless: bool) -> None:
    engine.register(order_saga, Shop(Books(books)))
    await (await engine.start(order_saga, Order("alice", hopeless), id="s1")).result()


def die(journal: str, books: Path, hopeless: bool, write: int, when: str) -> None:
    """What the process does that is to die."""
    random.seed(write)
    engine = Engine(Dying(SqlJournal(journal), write, when))
    asyncio.run(one_order(engine, books, hopeless))


@pytest.mark.parametrize("hopeless", [False, True], ids=["completed", "compensated"])
def test_a_process_may_die_at_every_write(
    tmp_path: Path, hopeless: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.kill.test_kills"])
    deaths = 0
    for write in range(1, 100):
        for when in ("before", "after"):
            folder = tmp_path / f"{write}-{when}"
            folder.mkdir()
            url, books = f"sqlite:///{folder}/sagas.db", folder / "books.db"
            process = processes.Process(target=die, args=(url, books, hopeless, write, when))
            process.start()
            process.join()
            died = process.exitcode == -signal.SIGKILL
            assert died or process.exitcode == 0
            asyncio.run(one_order(Engine(SqlJournal(url), clock=Later()), books, hopeless))
            assert Books(books).effects() == expected("s1", hopeless)
            deaths += died
        if not died:
            break
    with capsys.disabled():
        print(f"\n{deaths} deaths, one before and one after each write")
    assert deaths >= 16
