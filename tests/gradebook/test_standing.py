"""What counts: the best attempt, less what lateness costs, or a teacher's word."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from grader.gradebook import Attempt, Deadline, Override, Standing, stand

DAY = 86_400.0
DUE = Deadline(1, DAY, off=20)
FIRST = Attempt(1, "ada", 1, "a.py", "", 0.0, "done", "me", 0.0, 1, "1", "fail", None, 40, 66, 0.5)


def attempts(*told: tuple[float, int]) -> list[Attempt]:
    """Received so many days after the beginning, with so many points; due is the first day's end."""
    return [
        replace(FIRST, number=number, received=days * DAY, points=points)
        for number, (days, points) in enumerate(told, 1)
    ]


def one(tried: list[Attempt], deadlines: list[Deadline], words: list[Override] | None = None) -> Standing:
    (standing,) = stand(tried, deadlines, words or [])
    return standing


def test_the_best_attempt_counts_not_the_last() -> None:
    standing = one(attempts((0, 10), (0.1, 60), (0.2, 30)), [])
    assert (standing.attempt, standing.counted, standing.attempts, standing.max_points) == (2, 60, 3, 66)


@pytest.mark.parametrize(
    ("days", "late", "counted"),
    [(1, 0, 50), (1.001, 1, 40), (2, 1, 40), (2.5, 2, 30), (5.9, 5, 0), (400, 399, 0)],
)
def test_each_day_begun_after_the_deadline_costs_its_percents(days: float, late: int, counted: int) -> None:
    standing = one(attempts((days, 50)), [DUE])
    assert (standing.late, standing.counted, standing.points) == (late, counted, 50)


def test_a_half_point_is_rounded_up() -> None:
    half = Deadline(1, 0.0, off=50)
    assert [one(attempts((0.5, points)), [half]).counted for points in (1, 2, 3)] == [1, 1, 2]


def test_a_late_attempt_counts_only_when_it_brings_more() -> None:
    assert one(attempts((0.5, 40), (1.5, 45)), [DUE]).attempt == 1
    assert one(attempts((0.5, 40), (1.5, 60)), [DUE]).attempt == 2
    assert one(attempts((0.5, 40), (1.5, 50)), [DUE]).attempt == 1, "of equals the one in time"
    assert one(attempts((0.5, 0), (0.6, 0)), [DUE]).attempt == 2, "of equals in time the newest"


def test_nothing_counts_from_the_close_on() -> None:
    closing = replace(DUE, off=0, closes=3 * DAY)
    assert one(attempts((2.9, 50)), [closing]).counted == 50
    assert one(attempts((3, 50)), [closing]).counted == 0


def test_an_extension_stands_for_its_learner_alone() -> None:
    tried = [
        replace(FIRST, number=n, learner=who, received=1.5 * DAY) for n, who in enumerate(("ada", "bert"))
    ]
    found = stand(tried, [DUE, replace(DUE, due=2 * DAY, learner="ada")], [])
    assert [(x.learner, x.late, x.counted) for x in found] == [("ada", 0, 40), ("bert", 1, 32)]


def test_what_has_no_result_yet_waits_and_does_not_count() -> None:
    waiting = replace(FIRST, number=2, state="grading", edition="", verdict="not run", points=0)
    assert one([waiting], []) == Standing("ada", 1, None, "not run", None, 0, 66, 0, 0, None, 1, 1)
    both = one([FIRST, waiting], [])
    assert (both.attempt, both.counted, both.attempts, both.waiting) == (1, 40, 2, 1)


def test_what_is_graded_again_counts_meanwhile() -> None:
    standing = one([replace(FIRST, state="queued")], [])
    assert (standing.counted, standing.waiting) == (40, 1)


def test_a_teachers_word_counts_whatever_was_handed_in() -> None:
    word = Override("ada", 1, 66, "an oral exam", 0.0)
    standing = one(attempts((9, 50)), [DUE], [word])
    assert (standing.counted, standing.points, standing.late, standing.override) == (66, 50, 8, word)
    assert one([], [], [word]) == Standing("ada", 1, None, "not run", None, 0, 66, 0, 66, word, 0, 0)
    assert stand([], [], [word, replace(word, points=None)]) == []


@given(
    some.lists(some.tuples(some.floats(0, 9), some.integers(0, 66)), min_size=1),
    some.integers(0, 120),
    some.randoms(use_true_random=False),
)
def test_another_attempt_never_takes_anything_away(
    told: list[tuple[float, int]], off: int, dice: Random
) -> None:
    tried, deadline = attempts(*told), replace(DUE, off=off)
    counted = [one(tried[:count], [deadline]).counted for count in range(1, len(tried) + 1)]
    assert counted == sorted(counted)
    shuffled = tried[:]
    dice.shuffle(shuffled)
    assert one(shuffled, [deadline]) == one(tried, [deadline])
