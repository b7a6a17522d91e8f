"""Other names and amounts for the same case: what was too much still is, and no name is the same."""

from __future__ import annotations

import importlib
from dataclasses import astuple
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.exercises import EXERCISES
from saga_lab.sim import Trace, replay
from saga_lab.worlds.platform import PlatformWorld
from saga_lab.worlds.systems import SystemsWorld
from saga_lab.worlds.variation import USUAL, Variation
from saga_lab.worlds.world import World

SOLUTIONS = {exercise.world: exercise.module for exercise in EXERCISES.values()} | {
    PlatformWorld: "exercise4_deployment",
    SystemsWorld: "exercise6_data_migration",
}
WORLDS = pytest.mark.parametrize("world", SOLUTIONS, ids=lambda world: world.name)
SEEDS = st.integers(1, 999_999_999)
COUNTS = {"quantity", "total_records"}


def values(request: Any) -> set[Any]:
    """All that a request says, but what a case is named after: pieces, rows, nothing, a single cent."""
    said = {name: value for name, value in vars(request).items() if name not in COUNTS}
    items = [item.sku for item in said.pop("items", [])]
    seats = tuple(said.pop("seat_ids", []))
    return {*said.values(), *items, seats} - {0, 1, ()}


def played(world: type[World], token: str) -> Trace:
    module = importlib.import_module(f"solutions.{SOLUTIONS[world]}")
    return replay(getattr(module, world.function), world, token)


@given(SEEDS, st.sampled_from(["order-", "A", "ACC-0", "1."]), st.lists(st.integers(0, 9), unique=True))
def test_another_name_is_another_and_what_differs_goes_on_differing(
    seed: int, kind: str, numbers: list[int]
) -> None:
    usual = [f"{kind}{number}" for number in numbers]
    varied = [Variation(seed).name(name) for name in usual]
    assert all(name != other for name, other in zip(usual, varied, strict=True))
    assert len(set(varied)) == len(varied)


@given(SEEDS, st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6))
def test_another_amount_keeps_what_is_more_and_what_is_nothing(seed: int, one: int, other: int) -> None:
    varied = Variation(seed)
    assert (varied.cents(one) > varied.cents(other)) is (one > other)
    assert (varied.cents(one) == one) is (one == 0)


@WORLDS
def test_a_request_of_another_seed_shares_nothing_with_the_usual_one(
    world: type[World],
) -> None:
    for seed in (1, 7, 123_456):
        for name, case in world.varied(seed).cases.items():
            usual = world.cases[name]
            pairs = zip((case.request, *case.others), (usual.request, *usual.others), strict=True)
            assert all(not values(new) & values(old) for new, old in pairs)
            assert (case.faults, len(case.answers)) == (usual.faults, len(usual.answers))


@WORLDS
def test_the_same_seed_gives_the_same_world_and_seed_0_the_usual_one(world: type[World]) -> None:
    assert world.varied(0) is world
    assert world.varied(7) is world.varied(7)
    assert world.told(USUAL) == world.cases
    again = [astuple(case.request) for case in world.told(Variation(7)).values()]
    assert again == [astuple(case.request) for case in world.varied(7).cases.values()]


@WORLDS
def test_a_solution_does_the_same_for_every_seed_in_every_case(world: type[World]) -> None:
    for name in world.cases:
        usual, other = (played(world, f"{seed}case:{name}") for seed in ("", "seed:7 + "))
        assert [r.operation for r in other.requests] == [r.operation for r in usual.requests]
        assert (other.result["status"], other.ended) == (usual.result["status"], usual.ended)
        assert other.token == f"seed:7 + case:{name}"
