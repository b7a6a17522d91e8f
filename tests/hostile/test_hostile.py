"""Nothing that is handed in gains a point, leaves a trace, or changes how the next one is graded.

Here in the best sandbox of this machine, as whoever runs the tests; `make proof` does it in each, and once
more as nobody.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from grader.sandbox import best
from tests.hostile.arena import Arena, arena
from tests.hostile.attacks import attacks


@pytest.fixture(scope="module")
def place() -> Iterator[Arena]:
    with arena() as made:
        yield made


@pytest.mark.parametrize("name", [attack.name for attack in attacks({})])
def test_it_gains_nothing_and_leaves_nothing(place: Arena, name: str) -> None:
    attack = next(attack for attack in place.attacks if attack.name == name)
    assert place.run(attack, best()).wrong == ()
