"""Forgetting a saga: all of it, nothing else, and never one that is not at the version that was looked at."""

from __future__ import annotations

import asyncio

import pytest

from saga_lab.journals import Fenced, Stale
from tests.journals.conftest import Place
from tests.journals.events import noted, parked, returned, started
from tests.journals.told import told


@told
async def test_a_forgotten_saga_is_gone_from_every_list_and_the_others_stay(place: Place) -> None:
    journal = place.open()
    await journal.append("s1", [started(), parked(), returned()], 0)
    await journal.append("s2", [started()], 0)
    await journal.forget("s1", 3)
    assert journal.read("s1") == [] and place.open().read("s2") == [started()]
    assert journal.ids() == journal.ids("unfinished") == ["s2"] and journal.ids("parked") == []


@told
async def test_what_somebody_wrote_meanwhile_is_not_forgotten(place: Place) -> None:
    journal = place.open()
    await journal.append("s1", [started(), noted(1)], 0)
    with pytest.raises(Stale):
        await journal.forget("s1", 1)
    assert journal.read("s1") == [started(), noted(1)]


@told
async def test_of_an_append_and_a_forget_in_one_group_nothing_is_left_behind(place: Place) -> None:
    journal = place.open()
    await journal.append("s1", [started()], 0)
    await asyncio.gather(journal.append("s1", [returned()], 1), journal.forget("s1", 2))
    assert journal.read("s1") == [] and journal.ids() == []


@told
async def test_a_forgotten_id_begins_anew_and_its_former_worker_stays_fenced(place: Place) -> None:
    journal = place.open()
    before = await journal.claim("s1", "first", 100, 0)
    await journal.append("s1", [started(), returned()], 0, before)
    await journal.forget("s1", 2)
    after = await journal.claim("s1", "second", 100, 0)
    assert before is not None and after is not None and after > before
    with pytest.raises(Fenced):
        await journal.append("s1", [started()], 0, before)
    await journal.append("s1", [started()], 0, after)
    assert journal.read("s1") == [started()] and journal.ids() == ["s1"]
