"""What is the same for every world: its operations, its cases, and its exercise's starter and solution."""

from __future__ import annotations

import importlib
import inspect
import typing
from typing import Any

import pytest

from saga_lab.sim import InProcess, Trace, parse, simulate
from saga_lab.worlds.insurer import InsurerWorld
from saga_lab.worlds.platform import PlatformWorld
from saga_lab.worlds.systems import SystemsWorld
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
    InsurerWorld: (
        "exercise5_insurance_claim",
        {
            "approve": "paid",
            "reject": "rejected",
            "invalid": "rejected_invalid",
            "silence": "timeout",
            "approve-early": "paid",
            "approve-before-deadline": "paid",
            "approve-at-deadline": "timeout",
            "approve-after-deadline": "timeout",
            "approve-twice": "paid",
            "approve-then-reject": "paid",
            "decision-fails": "failed",
        },
    ),
    SystemsWorld: (
        "exercise6_data_migration",
        {
            "5-rows": "completed",
            "row-differs": "verification_failed",
            "second-try": "completed",
            **{str(rows): "completed" for rows in (0, 1, 50, 99, 250, 1003)},
        },
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


@pytest.mark.parametrize(
    ("world", "token", "status"),
    [
        (VenueWorld, "seats.hold:down*", "failed"),
        (VenueWorld, "payments.charge:lost*", "confirmed"),
        (VenueWorld, "payments.charge:late=1h*", "failed"),
        (VenueWorld, "payments.charge:refuse", "payment_failed"),
        (VenueWorld, "payments.charge:crash-after=16m", "timeout"),
        (VenueWorld, "seats.hold:then:book_seats + payments.charge:crash-after=16m", "timeout"),
        (VenueWorld, "tickets.issue:refuse + payments.refund:down*", "manual_intervention_required"),
        (PlatformWorld, "environments.deploy[production]:refuse", "failed"),
        (PlatformWorld, "tests.run:lost*", "failed"),
        (PlatformWorld, "dns.switch:then:hotfix", "deployed"),
        (PlatformWorld, "dns.switch:lost* + dns.find:down*", "failed"),
        (PlatformWorld, "case:red + environments.rollback:down*", "manual_intervention_required"),
        (PlatformWorld, "logs.save:down*", "deployed"),
        (InsurerWorld, "claims.validate:down*", "failed"),
        (InsurerWorld, "claims.validate:refuse", "rejected_invalid"),
        (InsurerWorld, "payments.pay:lost*", "paid"),
        (InsurerWorld, "payments.pay:late=1h*", "payment_failed"),
        (InsurerWorld, "payments.pay:lost* + payments.find:down*", "manual_intervention_required"),
        (InsurerWorld, "claims.validate:cancel", "failed"),
        (InsurerWorld, "case:silence + promise:crash=29d", "timeout"),
        (SystemsWorld, "store.copy:then:write", "completed"),
        (SystemsWorld, "store.copy#3:down*", "migration_failed"),
        (SystemsWorld, "store.verify:refuse", "verification_failed"),
        (SystemsWorld, "router.switch:lost*", "completed"),
        (SystemsWorld, "router.switch:lost* + router.find:down*", "manual_intervention_required"),
        (SystemsWorld, "old.disable:down*", "manual_intervention_required"),
        (SystemsWorld, "timer#2:crash", "completed"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_the_solution_says_what_became_of_it(world: type[World], token: str, status: str) -> None:
    assert play(world, "solutions", token).result["status"] == status


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
