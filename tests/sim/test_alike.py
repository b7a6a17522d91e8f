"""What is left out because another run tells the same does tell the same, when it is played after all."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from saga_lab import SagaContext
from saga_lab.sim import Trace, explore, parse, replay
from saga_lab.worlds.platform import DeploymentRequest, DeploymentResult, Platform, PlatformWorld
from saga_lab.worlds.shop import OrderRequest, OrderResult, Shop, ShopWorld
from saga_lab.worlds.world import World
from tests.sim.sagas import careful
from tests.sim.test_explore import Anything

PASSING = ("down", "down=3", "lost", "late", "late=1h", "slow=5m")


def answers(trace: Trace, without: str) -> list[Any]:
    """What was asked and answered, but for the attempts of one operation that failed."""
    return [
        (request.operation, request.key, request.answer, request.value)
        for request in trace.requests
        if request.operation != without or request.answer == "value"
    ]


def ended(trace: Trace, without: str) -> Any:
    return trace.result, trace.error, trace.instants[-1].ledgers, answers(trace, without)


@cache
def singles(saga: Callable[..., Any], world: type[World]) -> list[str]:
    tokens = explore(saga, world, Anything()).tokens
    return [x for x in tokens if len(parse(x).faults) == 1 and not parse(x).case]


@pytest.mark.parametrize("first", PASSING)
def test_what_passes_within_a_step_leaves_the_rest_as_it_was(first: str) -> None:
    seconds = [x for x in singles(careful, ShopWorld) if x.startswith(("inventory.", "shipping.", "finish"))]
    for second in seconds[::3]:
        both = replay(careful, ShopWorld, f"payments.charge:{first} + {second}", lines=False)
        alone = replay(careful, ShopWorld, second, lines=False)
        assert ended(both, "payments.charge") == ended(alone, "payments.charge"), second


def pairs(saga: Callable[..., Any], world: type[World]) -> set[str]:
    found = explore(saga, world, Anything(), depth=2)
    assert found.complete
    return {x for x in found.tokens if sum(fault.kind != "refuse" for fault in parse(x).faults) == 2}


def test_such_pairs_are_left_out() -> None:
    played = pairs(careful, ShopWorld)
    assert "payments.charge:down + inventory.reserve:lost*" not in played
    assert "payments.charge:down + payments.charge#2:lost*" in played
    assert "payments.charge:lost* + payments.find:down*" in played
    assert "payments.charge:crash-after + inventory.reserve:lost*" in played


async def by_the_clock(saga: SagaContext, order: OrderRequest, shop: Shop) -> OrderResult:
    """Its second step depends on how long the first took."""
    began = saga.now()
    await saga.step("charge", shop.payments.charge, order.customer_id, order.amount)
    name = "reserve" if saga.now() - began < 1 else "reserve late"
    await saga.step(name, shop.inventory.reserve, order.order_id, order.items)
    return OrderResult("completed")


async def wrapped(saga: SagaContext, order: OrderRequest, shop: Shop) -> OrderResult:
    """It counts attempts, so that it knows of a fault that passed."""
    tries = 0

    async def charge(key: str, customer: str, amount: int) -> str:
        nonlocal tries
        tries += 1
        return await shop.payments.charge(key, customer, amount)

    await saga.step("charge", charge, order.customer_id, order.amount)
    await saga.step(f"reserve {tries}", shop.inventory.reserve, order.order_id, order.items)
    return OrderResult("completed")


@pytest.mark.parametrize("saga", [by_the_clock, wrapped])
def test_a_saga_that_may_notice_is_tried_with_every_pair(saga: Callable[..., Any]) -> None:
    assert "payments.charge:down + inventory.reserve:lost*" in pairs(saga, ShopWorld)


async def deploys(saga: SagaContext, deployment: DeploymentRequest, platform: Platform) -> DeploymentResult:
    """It does not look at what runs."""
    version, image = deployment.version, deployment.image_tag
    await saga.step("deploy", platform.environments.deploy, "staging", version, image)
    return DeploymentResult("deployed")


async def looks_first(
    saga: SagaContext, deployment: DeploymentRequest, platform: Platform
) -> DeploymentResult:
    """It does."""
    await saga.step("look", platform.environments.current, "staging")
    return await deploys(saga, deployment, platform)


@pytest.mark.parametrize(("saga", "tried"), [(deploys, False), (looks_first, True)])
def test_a_case_like_another_is_tried_with_pairs_if_the_saga_can_tell_them_apart(
    saga: Callable[..., Any], tried: bool
) -> None:
    assert any(parse(x).case == "first" for x in pairs(saga, PlatformWorld)) == tried
