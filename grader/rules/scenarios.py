"""Which scenarios put a promise to the test."""

from __future__ import annotations

from saga_lab.sim import Scenario
from saga_lab.worlds.world import World


def refusal(scenario: Scenario, world: type[World]) -> bool:
    """A service says no."""
    return any(fault.kind == "refuse" for fault in scenario.faults)


def endless(scenario: Scenario, world: type[World]) -> bool:
    """Something never works again."""
    return any(fault.endless for fault in scenario.faults)


def given_up(scenario: Scenario, world: type[World]) -> bool:
    """The saga may have to take back what it did."""
    return refusal(scenario, world) or endless(scenario, world)


def stuck_undo(scenario: Scenario, world: type[World]) -> bool:
    """An undo never gets through."""
    return any(
        fault.endless and world.operations[fault.site.operation].role == "undo" for fault in scenario.faults
    )


def passing(scenario: Scenario, world: type[World]) -> bool:
    """Something goes wrong that passes by itself."""
    return any(not fault.endless and fault.kind != "refuse" for fault in scenario.faults)


def crash(scenario: Scenario, world: type[World]) -> bool:
    """The saga's process dies at a call."""
    return any(fault.kind.startswith("crash") for fault in scenario.faults)


def again(scenario: Scenario, world: type[World]) -> bool:
    """The same request comes a second time, or another one under its id."""
    return scenario.again or scenario.again_other
