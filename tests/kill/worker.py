"""A worker process: `python -m tests.kill.worker JOURNAL BOOKS [NAME]`; with a name it starts orders too."""

from __future__ import annotations

import asyncio
import itertools
import sys
from pathlib import Path

from saga_lab import Engine, SqlJournal
from tests.kill.world import Books, Order, Shop, order_saga

AT_ONCE = 20
LEASE = 0.5
"""Seconds; short, so that others take over soon."""


async def work(journal: str, books: str, name: str = "") -> None:
    """Recover what others left, and keep twenty orders of its own under way."""
    engine = Engine(SqlJournal(journal), lease=LEASE)
    engine.register(order_saga, Shop(Books(Path(books))))
    recovering = asyncio.create_task(engine.recover_forever(every=0.1))
    slots = asyncio.Semaphore(AT_ONCE)

    async def order(number: int) -> None:
        run = await engine.start(
            order_saga, Order(f"customer-{number}", hopeless=number % 3 == 0), id=f"{name}-{number}"
        )
        await run.result()
        slots.release()

    orders = set[asyncio.Task[None]]()
    for number in itertools.count() if name else ():
        await slots.acquire()
        orders.add(asyncio.create_task(order(number)))
    await recovering


if __name__ == "__main__":
    asyncio.run(work(*sys.argv[1:]))
