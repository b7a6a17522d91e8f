"""Tokens: what is written is what is read, and what cannot be meant is refused with a hint."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from saga_lab.sim import BadToken, parse
from saga_lab.sim.faults import check, duration, milliseconds
from saga_lab.worlds.shop import ShopWorld

NUMBERS = st.integers(1, 9)
TIMES = st.integers(1, 10**9).map(duration)
KINDS = st.one_of(
    st.sampled_from(["refuse", "down", "down*", "lost", "lost*", "late", "late*", "twice", "crash-before"]),
    st.builds("down={}".format, NUMBERS),
    st.builds("late={}{}".format, TIMES, st.sampled_from(["", "*"])),
    st.builds("slow={}".format, TIMES),
    st.builds("crash-after={}".format, TIMES),
    st.just("then:buy_stock"),
)
SITES = st.builds(
    "{}{}{}".format,
    st.sampled_from(["payments.charge", "inventory.reserve", "environments.rollback"]),
    st.sampled_from(["", "[production]", "[a + b]"]),
    st.one_of(st.just(""), st.integers(2, 99).map("#{}".format)),
)
FAULTS = st.one_of(
    st.builds("{}:{}".format, SITES, KINDS),
    st.sampled_from(["start:crash", "finish:crash=16m", "timer#2:crash=30s", "promise:crash=29d"]),
)


@given(
    st.sampled_from(["", "case:two-items", "seed:7", "seed:7 + case:two-items"]),
    st.lists(FAULTS, max_size=3),
    st.sampled_from(["", "again", "again!", "recover"]),
)
def test_a_token_that_is_read_and_written_reads_the_same(case: str, faults: list[str], rest: str) -> None:
    token = " + ".join(part for part in (case, *faults, rest) if part) or "none"
    try:
        scenario = parse(token)
    except BadToken:
        assume(False)  # two of the faults would strike the same request
    assert parse(str(scenario)) == scenario


@given(st.integers(1, 10**12))
def test_a_duration_is_read_as_it_was_written(ms: int) -> None:
    assert milliseconds(duration(ms)) == ms


@pytest.mark.parametrize(
    "token", ["payments.charge:lost", "seed:7 + case:two-items + finish:crash", "seed:7", "none"]
)
def test_a_token_is_written_as_it_is_usually_typed(token: str) -> None:
    assert str(parse(token)) == token


@pytest.mark.parametrize(
    ("token", "hint"),
    [
        ("payments.charge", "a fault is written site:kind"),
        ("payments.charge:explode", "there is no fault 'explode'"),
        ("payments.charge:crash", "crash-before"),
        ("start:lost", "crash"),
        ("payments.charge:slow", "say how slow"),
        ("payments.charge:refuse=2", "takes neither a number nor a duration"),
        ("payments.charge:down=0", "down=3 means three times"),
        ("payments.charge:late=1y", "1h or 30d"),
        ("payments.charge:lost + case:two-items", "a case comes first"),
        ("payments.charge:lost + payments.charge:down", "would strike the same request"),
        ("payments.charge:lost* + payments.charge#3:down", "would strike the same request"),
        ("payments.charge:then", "names who acts"),
        ("start[production]:crash", "is no request"),
        ("", "a fault is written site:kind"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_hint(token: str, hint: str) -> None:
    with pytest.raises(BadToken) as refused:
        parse(token)
    assert hint in str(refused.value)


@pytest.mark.parametrize(
    ("token", "hint"),
    [
        ("case:three-items", "has no case 'three-items'"),
        ("payments.pay:lost", "has no 'payments.pay'"),
        ("payments.charge[x]:lost", "about no thing"),
        ("payments.refund:refuse", "never says no"),
        ("payments.find:late", "changes nothing"),
    ],
)
def test_what_this_world_cannot_do_is_refused_with_a_hint(token: str, hint: str) -> None:
    with pytest.raises(BadToken) as refused:
        check(parse(token), ShopWorld)
    assert hint in str(refused.value)
