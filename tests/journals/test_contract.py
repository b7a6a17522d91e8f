"""What the engine relies on, of every journal."""

from __future__ import annotations

import asyncio

import pytest
from msgspec import Raw

from saga_lab import events as e
from saga_lab.journals import Fenced, Stale
from tests.journals.conftest import Open
from tests.journals.events import answered, noted, parked, returned, started, turned
from tests.journals.told import told

# ---- events


@told
async def test_what_was_appended_is_read_in_order_from_any_place(reopen: Open) -> None:
    journal = reopen()
    await journal.append("s1", [started(), noted(1)], 0)
    await journal.append("s1", [noted(2)], 2)
    assert list(journal.read("s1")) == [started(), noted(1), noted(2)]
    assert list(journal.read("s1", 2)) == [noted(2)] and list(journal.read("s1", 3)) == []
    assert list(journal.read("s2")) == []


@told
async def test_another_opening_of_the_journal_reads_the_same(reopen: Open) -> None:
    await reopen().append("s1", [started(), noted(1)], 0)
    assert list(reopen().read("s1")) == [started(), noted(1)]


@told
async def test_every_kind_of_event_comes_back_as_it_was(reopen: Open) -> None:
    events: list[e.Event] = [
        e.Started(
            "order", Raw('{"name":"Zoë \\u0000 🙂","n":12345678901234567890}'.encode()), id="é/☃", at=0.1
        ),
        e.StepBegun("A", 1, "s1/A", Raw(b"[]"), undo=True, pivot=True, action="shop.A"),
        e.AttemptFailed("A", 1, "s1/A", "action", 1, "in doubt", 'it\'s "lost"\n; DROP TABLE', 0.25),
        e.StepEnded("A", 1, "s1/A", "done", 2, Raw(b'{"a":[1.5,null]}')),
        e.TimerSet("1", 1e12 + 0.001),
        e.PromiseAwaited("approval", "1", None),
        e.Parked("%s :name ?", "saga", still_done=("A", "B")),
        e.Raised("shop:Closed", "no"),
    ]
    await reopen().append("é/☃", events, 0)
    assert list(reopen().read("é/☃")) == events


@told
async def test_of_two_who_append_at_one_version_one_wins(reopen: Open) -> None:
    one, two = reopen(), reopen()
    await one.append("s1", [started()], 0)
    results = await asyncio.gather(
        one.append("s1", [noted(1)], 1), two.append("s1", [noted(2)], 1), return_exceptions=True
    )
    assert sorted(type(result) for result in results if result) == [Stale] and None in results
    assert len(one.read("s1")) == 2


@pytest.mark.parametrize("version", [0, 2, 3])
@told
async def test_an_append_at_another_version_is_stale_and_adds_nothing(reopen: Open, version: int) -> None:
    journal = reopen()
    await journal.append("s1", [started()], 0)
    with pytest.raises(Stale):
        await journal.append("s1", [noted(1), noted(2)], version)
    assert list(journal.read("s1")) == [started()]


@told
async def test_appends_at_once_succeed_or_fail_each_by_itself(reopen: Open) -> None:
    journal = reopen()
    await journal.append("s0", [started("s0")], 0)
    asked = [journal.append(f"s{n}", [started(f"s{n}"), noted(n, f"s{n}")], 0) for n in range(50)]
    results = await asyncio.gather(*asked, journal.append("s1", [noted(9, "s1")], 2), return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [Stale]
    assert isinstance(results[0], Stale) and len(journal.read("s1")) == 3
    assert journal.ids() == [f"s{n}" for n in range(50)]


# ---- which sagas there are


@told
async def test_sagas_come_oldest_first_and_can_be_chosen_unread(reopen: Open) -> None:
    journal = reopen()
    for id in ("z", "a", "m"):
        await journal.append(id, [started(id)], 0)
    await journal.append("z", [parked("z"), returned("z")], 1)
    await journal.append("a", [parked("a"), noted(1, "a")], 1)
    await journal.append("m", [turned("m"), noted(1, "m")], 1)
    assert reopen().ids() == ["z", "a", "m"]
    assert reopen().ids("unfinished") == ["a", "m"]
    assert reopen().ids("parked") == ["z", "a"]
    assert reopen().ids("turned") == ["m"]


@pytest.mark.parametrize("end", [returned(), e.Raised("m:E", "no"), e.Stuck("pivot passed", "why")])
@told
async def test_a_saga_at_its_end_goes_on_when_something_is_appended(reopen: Open, end: e.Event) -> None:
    journal = reopen()
    await journal.append("s1", [started(), end], 0)
    assert journal.ids("unfinished") == []
    await journal.append("s1", [noted(1)], 2)
    assert journal.ids("unfinished") == ["s1"]


@told
async def test_a_lease_alone_makes_no_saga(reopen: Open) -> None:
    journal = reopen()
    await journal.claim("s1", "me", 10, 0)
    assert journal.ids() == journal.ids("unfinished") == [] and list(journal.read("s1")) == []


# ---- leases


@told
async def test_one_of_many_who_claim_at_once_gets_the_lease(reopen: Open) -> None:
    journals = [reopen() for _ in range(4)]
    tokens = await asyncio.gather(
        *(journal.claim("s1", f"worker {n}", 30, 0) for n, journal in enumerate(journals))
    )
    assert sorted(tokens, key=str) == [1, None, None, None]


@told
async def test_a_turn_begins_in_one_write_or_not_at_all(reopen: Open) -> None:
    journal, rival = reopen(), reopen()
    assert await journal.claim("s1", "me", 30, 0, [started("s1")], 0) == 1
    assert await rival.claim("s1", "you", 59, 29, [noted(2)], 1) is None
    with pytest.raises(Stale):
        await rival.claim("s1", "you", 60, 30, [noted(2)], 0)
    await journal.append("s1", [noted(1)], 1, 1)  # nothing was taken from its worker
    assert await rival.claim("s1", "you", 60, 30, [noted(2)], 2) == 2
    assert list(reopen().read("s1")) == [started("s1"), noted(1), noted(2)]
    with pytest.raises(Fenced):
        await journal.append("s1", [noted(3)], 3, 1)


@told
async def test_a_lease_is_kept_by_its_worker_and_free_for_others_when_it_has_run_out(reopen: Open) -> None:
    journal = reopen()
    assert await journal.claim("s1", "old", 30, 0) == 1
    assert await journal.claim("s1", "new", 59, 29) is None
    assert await journal.claim("s1", "old", 40, 10) == 1
    assert await journal.claim("s1", "new", 69, 39) is None
    assert await journal.claim("s1", "new", 70, 40) == 2
    assert await journal.claim("s1", "old", 99, 69) is None
    assert await reopen().claim("s1", "old", 100, 70) == 3


@told
async def test_who_has_lost_the_lease_writes_nothing_more(reopen: Open) -> None:
    old, new = reopen(), reopen()
    first = await old.claim("s1", "old", 30, 0)
    await old.append("s1", [started()], 0, first)
    second = await new.claim("s1", "new", 60, 30)
    with pytest.raises(Fenced):
        await old.append("s1", [noted(1)], 1, first)
    await new.append("s1", [noted(2)], 1, second)
    assert list(old.read("s1")) == [started(), noted(2)]


@told
async def test_a_worker_with_a_fast_clock_takes_over_and_never_beside_the_other(reopen: Open) -> None:
    """It believes the lease has run out; from then on it alone can write, so the other can begin nothing."""
    right, fast = reopen(), reopen()
    mine = await right.claim("s1", "right", until=1030, now=1000)
    await right.append("s1", [started()], 0, mine)
    theirs = await fast.claim("s1", "fast", until=4630, now=4600)
    assert theirs == 2
    with pytest.raises(Fenced):
        await right.append("s1", [noted(1)], 1, mine)
    assert await right.claim("s1", "right", until=1040, now=1010) is None
    await fast.append("s1", [noted(2)], 1, theirs)


@pytest.mark.parametrize("token", [2, 7])
@told
async def test_a_token_that_was_never_given_is_fenced(reopen: Open, token: int) -> None:
    journal = reopen()
    await journal.claim("s1", "me", 30, 0)
    with pytest.raises(Fenced):
        await journal.append("s1", [started()], 0, token)
    with pytest.raises(Fenced):
        await journal.append("unknown", [started("unknown")], 0, token)
    assert journal.ids() == []


# ---- facts from outside


@told
async def test_the_worker_is_told_of_facts_from_outside_and_of_nothing_else(reopen: Open) -> None:
    journal = reopen()
    heard: list[str] = []
    journal.watch(heard.append)
    token = await journal.claim("s1", "me", 30, 0)
    await journal.append("s1", [started()], 0, token)
    assert heard == []
    await journal.append("s1", [answered()], 1)
    assert heard == ["s1"]
