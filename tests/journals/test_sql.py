"""What only a journal on a disk has to do: several processes, threads, event loops."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

import saga_lab
from saga_lab import Engine, SagaContext, SqlJournal
from saga_lab.journals import sql
from tests.journals.conftest import Place
from tests.journals.events import answered, noted, returned, started
from tests.journals.told import told


def test_the_package_loads_sqlalchemy_only_for_who_asks() -> None:
    ask = "import sys, saga_lab; assert 'sqlalchemy' not in sys.modules; saga_lab.SqlJournal.append"
    subprocess.run([sys.executable, "-c", ask], check=True)
    assert "SqlJournal" in dir(saga_lab) and saga_lab.SqlJournal is SqlJournal
    with pytest.raises(AttributeError, match="NoJournal"):
        saga_lab.NoJournal  # noqa: B018


# ---- news of other processes


@told
async def test_a_worker_hears_what_another_process_appended(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "LOOKS", 0.001)
    worker, other = place.open(), place.open()
    heard: asyncio.Queue[str] = asyncio.Queue()
    worker.watch(heard.put_nowait)
    token = await worker.claim("s1", "me", 30, 0)
    await worker.append("s1", [started()], 0, token)
    for id in ("s2", "s1"):
        await other.append(id, [answered(id)], len(other.read(id)))
    assert await heard.get() == "s1"


@told
async def test_an_answer_given_at_another_process_reaches_the_saga(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "LOOKS", 0.001)

    async def approval(saga: SagaContext, request: str) -> str:
        return await saga.promise("approval", str)

    engine = Engine(place.open())
    run = await engine.start(approval, "", id="s1")
    while run.state != "WAITING":
        await asyncio.sleep(0)
    await Engine(place.open()).resolve("s1", "approval", "yes")
    assert await run.result() == "yes"


@told
async def test_nobody_looks_for_news_when_no_saga_runs(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "LOOKS", 0.001)
    journal = place.open()
    assert lookers() == []
    journal.watch(lambda id: None)
    token = await journal.claim("s1", "me", 30, 0)
    (looker,) = lookers()
    await journal.append("s1", [started(), returned()], 0, token)
    looker.join()
    await journal.claim("s2", "me", 30, 0)
    (looker,) = lookers()
    await journal.claim("s2", "me", 10, 10)
    looker.join()
    await journal.claim("s3", "me", 30, 0)
    (looker,) = lookers()
    journal.close()
    looker.join()


def lookers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "saga journal news"]


# ---- loops, threads, processes


def test_a_journal_serves_one_event_loop_after_another(place: Place) -> None:
    journal = place.open()
    for version in range(3):
        asyncio.run(journal.append("s1", [noted(version)], version))

    async def leave() -> None:
        asyncio.get_running_loop().create_task(journal.append("left", [noted(3)], 0))
        await asyncio.sleep(0)

    asyncio.run(leave())  # its append was queued, and its loop is gone
    asyncio.run(journal.append("s1", [noted(3)], 3))
    assert list(journal.read("s1")) == [noted(version) for version in range(4)]


def test_who_no_longer_waits_disturbs_nobody(place: Place) -> None:
    async def story() -> None:
        journal = place.open()
        first = asyncio.ensure_future(journal.append("s1", [started()], 0))
        second = asyncio.ensure_future(journal.append("s2", [started("s2")], 0))
        await asyncio.sleep(0)
        first.cancel()
        await second
        assert journal.ids() == ["s1", "s2"]

    asyncio.run(story())


def test_a_journal_that_nobody_holds_leaves_no_thread_behind(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "LOOKS", 0.001)
    before = set(threading.enumerate())
    journal = SqlJournal(place.url)

    async def use(journal: SqlJournal) -> None:
        Engine(journal)
        await journal.claim("s1", "me", 30, 0)

    asyncio.run(use(journal))
    gone = weakref.ref(journal)
    del journal
    gc.collect()
    assert gone() is None
    for thread in set(threading.enumerate()) - before:
        thread.join()


def test_many_who_open_an_empty_database_at_once_make_one_journal(place: Place) -> None:
    with ThreadPoolExecutor(8) as threads:
        journals = list(threads.map(lambda n: SqlJournal(place.url.replace("0.01", "60")), range(8)))
    place.opened.extend(journals)
    asyncio.run(journals[0].append("s1", [started()], 0))
    assert all(journal.ids() == ["s1"] for journal in journals)
    assert place.run("SELECT version FROM saga_lab_schema") == [(2,)]


COUNT = """
import asyncio, sys
from saga_lab import SqlJournal
from saga_lab.journals import Stale
from tests.journals.events import noted

async def count(journal):
    won = 0
    while won < 50:
        try:
            await journal.append("s1", [noted(won)], len(journal.read("s1")))
            won += 1
        except Stale:
            pass

asyncio.run(count(SqlJournal(sys.argv[1])))
"""


def test_processes_that_race_for_each_version_lose_nothing_and_write_nothing_twice(place: Place) -> None:
    place.open()
    url = place.url.replace("0.01", "60")
    racers = [subprocess.Popen([sys.executable, "-c", COUNT, url]) for _ in range(3)]
    assert [racer.wait() for racer in racers] == [0, 0, 0]
    events = place.open().read("s1")
    assert sorted(event.value for event in events) == sorted([*range(50)] * 3)  # type: ignore[union-attr]
