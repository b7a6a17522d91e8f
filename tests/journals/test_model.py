"""Whatever two processes do with a journal on a disk, they are answered as by one in memory."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from saga_lab import MemoryJournal, SqlJournal
from saga_lab.events import Event
from saga_lab.journals import Fenced, Only, Stale
from tests.journals.events import answered, noted, parked, returned, started, turned

IDS = st.sampled_from(["a", "b", "c"])
ONLY: list[Only] = ["all", "unfinished", "parked", "turned"]
EVENTS = st.lists(
    st.sampled_from([started(), noted(1), answered(), parked(), turned(), returned()]), min_size=1, max_size=3
)


class Processes(RuleBasedStateMachine):
    """Two processes over one file, and the model: a journal in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="saga-lab-")
        url = f"sqlite:///{Path(self.folder.name) / 'sagas.db'}"
        self.model = MemoryJournal()
        self.disks = [SqlJournal(url), SqlJournal(url)]
        self.now = 0.0

    def teardown(self) -> None:
        for disk in self.disks:
            disk.close()
        self.folder.cleanup()

    @rule(who=st.integers(0, 1), id=IDS, events=EVENTS, ahead=st.integers(-1, 2), token=st.integers(0, 3))
    def append(self, who: int, id: str, events: list[Event], ahead: int, token: int) -> None:
        version = max(0, len(self.model.read(id)) + (ahead if ahead < 2 else 0))
        self.same(who, lambda journal: journal.append(id, events, version, token or None))

    @rule(
        who=st.integers(0, 1),
        id=IDS,
        worker=st.sampled_from("xyz"),
        lease=st.integers(0, 9),
        first=st.just([]) | EVENTS,
        ahead=st.integers(-1, 2),
    )
    def claim(self, who: int, id: str, worker: str, lease: int, first: list[Event], ahead: int) -> None:
        version = max(0, len(self.model.read(id)) + (ahead if ahead < 2 else 0))
        self.same(who, lambda journal: journal.claim(id, worker, self.now + lease, self.now, first, version))

    @rule(seconds=st.integers(1, 9))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    def same(self, who: int, ask: Any) -> None:
        assert answer(ask(self.disks[who])) == answer(ask(self.model))

    @invariant()
    def both_read_what_the_model_says(self) -> None:
        for disk in self.disks:
            for only in ONLY:
                assert sorted(disk.ids(only)) == sorted(self.model.ids(only))
            for id in self.model.ids():
                assert list(disk.read(id)) == list(self.model.read(id))


def answer(asked: Coroutine[Any, Any, Any]) -> Any:
    try:
        return asyncio.run(asked)
    except (Stale, Fenced) as refusal:
        return type(refusal)


def test_processes_are_answered_as_by_one_journal_in_memory() -> None:
    run_state_machine_as_test(Processes, settings=settings(max_examples=25, stateful_step_count=25))
