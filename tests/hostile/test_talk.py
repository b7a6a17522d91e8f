"""Whatever a candidate says, the judge stands it: it is a run that is judged, or a BadMessage."""

from __future__ import annotations

import importlib
import itertools
import os
from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from grader.exercises import EXERCISES, Exercise
from grader.remarks import remarks
from grader.story import story
from saga_lab.sim import EndlessLoop, InProcess, parse, simulate
from saga_lab.sim.messages import Begin, Order, Turn
from tests.hostile import talk

LAX = settings(
    deadline=None,
    max_examples=int(os.environ.get("SAGA_FUZZ", "15")),
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
TOKENS = {
    1: ["none", "payments.charge:lost", "payments.charge:crash-after", "start:crash", "again"],
    2: ["case:twins", "accounts.debit:cancel", "finish:crash"],
    3: ["seats.hold:slow=5m", "again!"],
    4: ["environments.deploy:late", "recover"],
    5: ["promise:crash", "none"],
    6: ["timer:crash", "store.copy:twice"],
}


def judged(exercise: Exercise, token: str, port: talk.Talker) -> None:
    """Play, judge and tell one run."""
    try:
        trace = simulate(port, exercise.world, parse(token))
    except EndlessLoop:
        return
    rules, world = exercise.rules, exercise.world
    msgspec.json.encode(trace)
    for _, broken in rules.broken(trace, world):
        story(trace, broken, rules.tells)
    remarks([trace], rules, world, [], lambda line, label: "")


@pytest.mark.parametrize("number", EXERCISES)
@LAX
@given(data=st.data())
def test_turns_that_no_engine_makes_are_judged_or_refused(number: int, data: st.DataObject) -> None:
    exercise, token, made = _about(number, data)
    written, count = dict[int, int](), itertools.count()

    def say(order: Order) -> Turn:
        if next(count) > talk.MOST_TURNS:
            return Turn([])
        if isinstance(order, Begin):
            written[order.life] = len(order.journal)
        turn, written[order.life] = talk.as_told(data.draw(made), order, written.get(order.life, 0))
        return turn

    judged(exercise, token, talk.Talker(say))


@pytest.mark.parametrize("number", EXERCISES)
@LAX
@given(data=st.data())
def test_an_engine_that_says_one_thing_wrong_is_judged_or_refused(number: int, data: st.DataObject) -> None:
    exercise, token, made = _about(number, data)
    honest, written = InProcess(_solved(number), exercise.world), dict[int, int]()
    wrong, count = data.draw(st.sets(st.integers(0, 20), min_size=1, max_size=3)), itertools.count()

    def say(order: Order) -> Turn:
        if isinstance(order, Begin):
            written[order.life] = len(order.journal)
        (turn,) = honest.exchange(order)
        if next(count) in wrong:
            turn = talk.spoilt(turn, data.draw(st.sampled_from(talk.WAYS)), data.draw(made), data.draw)
        turn, written[order.life] = talk.as_told(turn, order, written.get(order.life, 0))
        return turn

    judged(exercise, token, talk.Talker(say))


def _about(number: int, data: st.DataObject) -> tuple[Exercise, str, st.SearchStrategy[Turn]]:
    """An exercise, one of its scenarios, and any turns in it."""
    return EXERCISES[number], data.draw(st.sampled_from(TOKENS[number])), _turns(number)


@cache
def _turns(number: int) -> st.SearchStrategy[Turn]:
    world = EXERCISES[number].world
    requests = [x for case in world.cases.values() for x in (case.request, *case.others)]
    return talk.turns(world, sorted({world.saga_id(x) for x in requests}))


@cache
def _solved(number: int) -> Callable[..., Any]:
    name = f"solutions.{EXERCISES[number].module}"
    return getattr(importlib.import_module(name), EXERCISES[number].function)  # type: ignore[no-any-return]
