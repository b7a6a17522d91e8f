"""The exercises: which function is asked for, in which world, under which law."""

from __future__ import annotations

from dataclasses import dataclass

from grader.report import MEDALS
from grader.rules import Rules, exercise1, exercise2, exercise3, exercise4, exercise5, exercise6
from saga_lab.worlds.bank import BankWorld
from saga_lab.worlds.insurer import InsurerWorld
from saga_lab.worlds.platform import PlatformWorld
from saga_lab.worlds.shop import ShopWorld
from saga_lab.worlds.systems import SystemsWorld
from saga_lab.worlds.venue import VenueWorld
from saga_lab.worlds.world import World


@dataclass(frozen=True)
class Exercise:
    """One exercise; `module` names its starter, its solution and its notebook."""

    number: int
    module: str
    world: type[World]
    rules: Rules

    @property
    def function(self) -> str:
        """The name of the function that is graded."""
        return self.world.function

    @property
    def max_points(self) -> int:
        """What a gold medal brings, known before anything is graded."""
        return len(MEDALS) * sum(invariant.points for invariant in self.rules.invariants)

    @property
    def title(self) -> str:
        """How the exercise is called in a report."""
        return f"Exercise {self.number} · {self.rules.title}"


EXERCISES = {
    exercise.number: exercise
    for exercise in [
        Exercise(1, "exercise1_ecommerce_order", ShopWorld, exercise1.RULES),
        Exercise(2, "exercise2_money_transfer", BankWorld, exercise2.RULES),
        Exercise(3, "exercise3_event_ticketing", VenueWorld, exercise3.RULES),
        Exercise(4, "exercise4_deployment", PlatformWorld, exercise4.RULES),
        Exercise(5, "exercise5_insurance_claim", InsurerWorld, exercise5.RULES),
        Exercise(6, "exercise6_data_migration", SystemsWorld, exercise6.RULES),
    ]
}


def named(file: str) -> Exercise | None:
    """The exercise that the name of a file says, if it says one."""
    return next((x for x in EXERCISES.values() if file.startswith(x.module)), None)
