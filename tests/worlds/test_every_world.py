"""What is the same for every world: its operations, its cases, and its exercise's starter and solution."""

from __future__ import annotations

import importlib
import inspect
import typing
from typing import Any

import pytest

from saga_lab.sim import InProcess, Trace, parse, simulate
from saga_lab.worlds.platform import PlatformWorld
from saga_lab.worlds.venue import VenueWorld
from saga_lab.worlds.world import World

EXERCISES: dict[type[World], tuple[str, dict[str, str]]] = {
    VenueWorld: (
        "exercise3_event_ticketing",
        {
            "free": "confirmed",
            "taken": "sold_out",
            "one-of-two-taken": "sold_out",
            "duplicate-seats": "failed",
            "no-seats": "failed",
        },
    ),
    PlatformWorld: (
        "exercise4_deployment",
        {"green": "deployed", "red": "tests_failed", "first": "deployed"},
    ),
}
WORLDS = pytest.mark.parametrize("world", EXERCISES, ids=lambda world: world.name)
CASES = pytest.mark.parametrize(
    ("world", "case"),
    [(world, case) for world, (_, statuses) in EXERCISES.items() for case in statuses],
    ids=lambda value: value if isinstance(value, str) else value.name,
)


def play(world: type[World], package: str, token: str) -> Trace:
    module = importlib.import_module(f"{package}.{EXERCISES[world][0]}")
    return simulate(InProcess(getattr(module, world.function), world), world, parse(token))


@WORLDS
def test_a_saga_sees_exactly_the_operations_that_the_world_offers(world: type[World]) -> None:
    seen = {
        f"{service}.{verb}"
        for service, protocol in typing.get_type_hints(world.services_type).items()
        for verb, method in vars(protocol).items()
        if inspect.iscoroutinefunction(method)
    }
    assert seen == set(world.operations)


@WORLDS
def test_a_saga_sees_each_operation_as_it_is(world: type[World]) -> None:
    protocols = typing.get_type_hints(world.services_type)
    for operation in world.operations.values():
        method = getattr(protocols[operation.service], operation.verb)
        takes = [hint for name, hint in typing.get_type_hints(method).items() if name != "return"]
        assert takes == [str, *operation.takes]


@WORLDS
def test_each_case_is_a_request_with_its_own_id(world: type[World]) -> None:
    assert list(world.cases) == list(EXERCISES[world][1])
    for case in world.cases.values():
        assert isinstance(case.request, world.request_type)
        assert world.saga_id(case.request)


@WORLDS
def test_a_rival_acts_after_operations_that_exist(world: type[World]) -> None:
    for rival in world.rivals.values():
        assert set(rival.after) <= set(world.operations)


@CASES
def test_the_solution_gives_each_case_its_status(world: type[World], case: str) -> None:
    trace = play(world, "solutions", f"case:{case}")
    assert (trace.result and trace.result["status"], trace.error) == (EXERCISES[world][1][case], "")


@CASES
def test_the_starter_runs(world: type[World], case: str) -> None:
    trace = play(world, "exercises", f"case:{case}")
    assert trace.result["status"] and not trace.stopped


@WORLDS
def test_the_starter_does_not_do_what_the_solution_does(world: type[World]) -> None:
    def end(package: str) -> tuple[Any, Any]:
        trace = play(world, package, "none")
        return trace.result, trace.instants[-1].ledgers

    assert end("exercises") != end("solutions")
