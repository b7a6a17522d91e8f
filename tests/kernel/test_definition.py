"""A declared saga: it behaves as the verbs do, keeps its types, and can be found wrong before it runs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from saga_lab import Engine, InDoubt, Retry, Saga, Step, StepFailed
from tests.kernel.lab import Clock, Lab, Order, moment, play, told


def three(shop: Any, **of_b: Any) -> Saga:
    return Saga(
        "order",
        [
            Step("A", shop.A, compensate=shop.a),
            Step("B", shop.B, compensate=shop.b, **of_b),
            Step("C", shop.C, compensate=shop.c),
        ],
        request=Order,
    )


# ---- running


@told
async def test_it_is_started_like_any_saga_and_gives_the_results_by_step(lab: Lab) -> None:
    assert await lab.run(three(lab.shop)) == {"A": "A-s1/A", "B": "B-s1/B", "C": "C-s1/C"}
    assert lab.state() == "COMPLETED" and lab.shop.story == ["A", "B", "C"]


@told
async def test_an_error_undoes_newest_first_what_was_done_or_in_doubt(lab: Lab) -> None:
    lab.shop.faults = {"C": ["lost*"]}
    ended = await lab.run(three(lab.shop))
    assert isinstance(ended, InDoubt) and lab.state() == "COMPENSATED"
    assert lab.shop.story == ["A", "B", "C", "c", "b", "a"]


@told
async def test_the_fields_of_a_step_reach_the_verb(lab: Lab) -> None:
    lab.shop.faults = {"B": ["hang"]}
    ended = await lab.run(three(lab.shop, check=lab.shop.find_B, retry=Retry(attempts=1), timeout=5))
    assert ended["B"] == "B-s1/B" and lab.shop.asked == ["A", "B", "find_B", "C"]
    assert asyncio.get_running_loop().time() == pytest.approx(5)


@told
async def test_past_the_pivot_an_error_parks_it(lab: Lab) -> None:
    lab.shop.faults = {"C": ["no"]}
    await lab.run(three(lab.shop, pivot=True))
    assert lab.state() == "STUCK" and lab.shop.story == ["A", "B"]


@told
async def test_it_goes_on_after_a_crash(lab: Lab) -> None:
    lab.shop.faults = {"B": ["die"]}
    order = three(lab.shop)
    await lab.start(order)
    await moment()
    await lab.restart(order)
    assert (await lab.engine.get("s1").result())["C"] == "C-s1/C"
    assert lab.shop.story == ["A", "B", "C"] and lab.shop.asked.count("A") == 1


@told
async def test_inside_another_saga_it_is_a_scope_to_fall_back_from(lab: Lab) -> None:
    async def saga(saga, order: Order, shop):
        await saga.step("L", shop.L, compensate=shop.l)
        try:
            return await three(shop)(saga, order)
        except StepFailed:
            return await Saga("instead", [Step("D", shop.D, compensate=shop.d)])(saga, order)

    lab.shop.faults = {"B": ["lost*"]}
    assert await lab.run(saga) == {"D": "D-s1/D"}
    assert lab.shop.story == ["L", "A", "B", "b", "a", "D"]


# ---- arguments and types


@dataclass
class Hold:
    seats: list[str]
    until: float


class Theatre:
    """Remembers what it was asked with."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    async def hold(self, key: str, seats: int) -> Hold:
        self.asked.append((seats,))
        return Hold(["A1"] * seats, 9.5)

    async def charge(self, key: str, booking: Booking, hold: Hold) -> int:
        self.asked.append((booking, hold))
        return booking.price * len(hold.seats)

    async def note(self, key: str, booking: Booking) -> None:
        self.asked.append((booking,))

    async def undo(self, key: str) -> None: ...


@dataclass
class Booking:
    price: int
    seats: int


def booking(theatre: Theatre, **more: Any) -> Saga:
    return Saga(
        "booking",
        [
            Step("hold", theatre.hold, args=lambda order, done: (order.seats,), compensate=theatre.undo),
            Step("charge", theatre.charge, args=lambda order, done: [order, done["hold"]], pivot=True),
            Step("note it", theatre.note),
        ],
        **more,
    )


@told
async def test_arguments_come_from_the_request_and_the_results_with_their_types(lab: Lab) -> None:
    theatre = Theatre()
    run = await lab.engine.start(booking(theatre, request=Booking), Booking(price=40, seats=2))
    hold = Hold(["A1", "A1"], 9.5)
    assert await run.result() == {"hold": hold, "charge": 80, "note it": None}
    assert theatre.asked == [(2,), (Booking(40, 2), hold), (Booking(40, 2),)]


@told
async def test_results_have_their_types_in_another_process_too(lab: Lab) -> None:
    run = await lab.engine.start(booking(Theatre(), request=Booking), Booking(40, 2), id="b1")
    await run.result()
    later = Engine(lab.journal, clock=Clock())
    later.register(booking(Theatre(), request=Booking))
    assert (await later.get("b1").result())["hold"] == Hold(["A1", "A1"], 9.5)


@told
async def test_without_a_type_the_request_comes_as_plain_data(lab: Lab) -> None:
    got: list[Any] = []
    saga = Saga("any", [Step("look", Theatre().hold, args=lambda order, done: (got.append(order) or 1,))])
    await (await lab.engine.start(saga, Booking(40, 2))).result()
    assert got == [{"price": 40, "seats": 2}]


@told
async def test_args_that_give_a_single_thing_are_told_to_give_a_tuple(lab: Lab) -> None:
    saga = Saga("typo", [Step("A", lab.shop.A, compensate=lab.shop.a, args=lambda order, done: "A1")])
    ended = await lab.run(saga)
    assert isinstance(ended, TypeError) and "step 'A' gave 'A1': give a tuple" in str(ended)
    assert lab.shop.asked == []


# ---- lint


async def act(key: str, request: Any) -> str:
    return key


async def undo(key: str) -> None: ...


def problems(*steps: Step) -> list[str]:
    return Saga("order", steps).lint()


def test_the_order_of_the_books_has_no_problems() -> None:
    assert (
        problems(
            Step("quote", act, effect=False),
            Step("charge", act, compensate=undo),
            Step("ship", act, pivot=True, retry=Retry(attempts=1)),
            Step("mail", act),
            Step("log", act, retry=Retry.forever()),
        )
        == []
    )


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        ([], "saga 'order' has no steps"),
        ([Step("A", act, effect=False), Step("A", act, effect=False)], "2 steps are named 'A'"),
        ([Step("a/b", act, effect=False)], "'a/b' cannot be the name of a step"),
        ([Step("", act, effect=False)], "'' cannot be the name of a step"),
        ([Step("A", act), Step("B", act, pivot=True)], "step 'A' cannot be undone when a later one fails"),
        ([Step("A", act, compensate=undo), Step("B", act)], "step 'B' cannot be undone"),
        ([Step("A", act, pivot=True), Step("B", act, pivot=True)], "step 'B' is a second pivot after 'A'"),
        (
            [Step("A", act, pivot=True), Step("B", act, compensate=undo)],
            "step 'B' has an undo, but comes after",
        ),
        ([Step("A", act, pivot=True), Step("B", act, retry=Retry(attempts=1))], "'A' and is tried only once"),
    ],
)
def test_a_list_that_cannot_be_right_is_told_so_in_one_sentence(steps: list[Step], problem: str) -> None:
    (told,) = problems(*steps)
    assert problem in told


def test_all_problems_are_told_at_once() -> None:
    found = problems(Step("A", act), Step("B", act, pivot=True), Step("B", act, compensate=undo))
    assert [problem.split(":")[0] for problem in found] == [
        "2 steps are named 'B'",
        "step 'A' cannot be undone when a later one fails, nor when its own reply is lost",
        "step 'B' has an undo, but comes after the pivot 'B'",
    ]


FAULTS = ((), ("no",), ("down*",), ("lost*",), ("hang",), ("hang*",), ("down", "lost*"))


@st.composite
def lists(draw: st.DrawFn) -> tuple[list[tuple[str, str]], dict[str, list[str]]]:
    """Steps as (letter, kind), in any order, and what each action meets."""
    kinds = draw(st.lists(st.sampled_from(["undo", "plain", "look", "pivot", "pivot undo"]), max_size=5))
    steps = list(zip("ABCDE", kinds, strict=False))
    faults = {name: draw(st.sampled_from(FAULTS)) for name, _ in steps}
    return steps, {name: list(fault) for name, fault in faults.items()}


@given(lists())
def test_a_list_without_problems_ends_whole_or_with_nothing_or_past_its_pivot(drawn: Any) -> None:
    kinds, faults = drawn
    lab = Lab()
    lab.shop.faults = faults

    def declared(name: str, kind: str) -> Step:
        undo = getattr(lab.shop, name.lower()) if "undo" in kind else None
        action = getattr(lab.shop, f"find_{name}" if kind == "look" else name)
        return Step(name, action, compensate=undo, pivot="pivot" in kind, effect=kind != "look")

    saga = Saga("any", [declared(*step) for step in kinds])
    assume(not saga.lint())
    play(lab.run(saga))
    live = {value.partition("-")[0] for value in lab.shop.live.values()}
    match lab.state():
        case "COMPLETED":
            assert live == {name for name, kind in kinds if kind != "look"}
        case "COMPENSATED":
            assert live == set()
        case "STUCK":
            assert live >= {name for name, kind in kinds if "pivot" in kind} != set()
        case other:
            raise AssertionError(other)
