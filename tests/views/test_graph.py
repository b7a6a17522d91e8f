"""The graph: steps, their undos, and what became of each."""

from __future__ import annotations

from typing import ClassVar

import pytest
from picture_eyes import LIGHT, SVG, parse, see
from picture_runs import DECLARED, long_run, run

from saga_lab import Saga
from saga_lab.views import graph, plan, theme
from saga_lab.views.fates import order, steps
from saga_lab.worlds.shop import ShopWorld
from saga_lab.worlds.systems import SystemsWorld
from saga_lab.worlds.world import Kind, Operation, Role


def fates(token: str) -> dict[str, str | None]:
    return {step.action.verb: step.fate for step in steps(ShopWorld, run(token))}


def arrows(token: str) -> int:
    """Orange lines that end in a head."""
    svg = parse(graph(ShopWorld, run(token)).svg)
    return sum(part.get("fill") == theme.UNDO for part in svg.iter(f"{SVG}path"))


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("none", ["done", "done", "done", "done"]),
        ("shipping.create:refuse", ["undone", "undone", "failed", "never"]),
        ("payments.charge:lost*", ["done", "done", "done", "done"]),
        ("payments.charge:down*", ["failed", "never", "never", "never"]),
        ("payments.charge:late=1h*", ["undone", "never", "never", "never"]),
        ("mail.send:lost*", ["done", "done", "done", "in doubt"]),
        ("inventory.reserve:refuse + payments.refund:down*", ["stuck", "failed", "never", "never"]),
    ],
)
def test_each_step_shows_what_became_of_it(token: str, expected: list[str]):
    assert list(fates(token).values()) == expected


def test_the_text_tells_it_step_by_step():
    assert graph(ShopWorld, run("shipping.create:refuse")).text.splitlines() == [
        "order-001: failed",
        "1. payments.charge: undone by payments.refund.",
        "2. inventory.reserve: undone by inventory.release.",
        "3. shipping.create: failed; nothing happened.",
        "4. mail.send: not reached.",
        "Undos asked for, in this order: inventory.release, payments.refund.",
        "The point of no return is shipping.create: once it is done, nothing is undone any more.",
    ]


def test_without_a_run_it_tells_what_can_be_undone_and_looked_up():
    told = graph(ShopWorld).text
    assert "1. payments.charge (compensable), undone by payments.refund, looked up by payments.find." in told
    assert "4. mail.send (retriable)." in told


def test_an_undo_with_a_long_name_stays_in_its_box():
    svg = graph(SystemsWorld).svg
    [box] = [
        box for box in parse(svg).iter(f"{SVG}g") if (box.findtext(f"{SVG}title") or "").startswith("undone")
    ]
    paper = box.find(f"{SVG}rect")
    assert paper is not None
    left, wide = float(paper.get("x", 0)), float(paper.get("width", 0))
    [name] = [word for word in see(svg, LIGHT) if word.text == "disable_dual_write"]
    assert left < name.left < name.right < left + wide


def test_only_the_undos_that_ran_have_arrows():
    assert arrows("none") == 0
    assert arrows("inventory.reserve:refuse") == 1
    assert arrows("shipping.create:refuse") == 2
    assert arrows("shipping.create:lost* + shipping.find:down*") == 2


def test_a_look_up_that_was_asked_is_filled():
    assert "was looked up" in [w.text for w in see(graph(ShopWorld, run("payments.charge:lost*")).svg, LIGHT)]
    assert "was looked up" not in [w.text for w in see(graph(ShopWorld, run()).svg, LIGHT)]


def test_steps_stand_in_the_order_declared():
    assert order(steps(ShopWorld)).layers == (
        ("payments.charge",),
        ("inventory.reserve",),
        ("shipping.create",),
        ("mail.send",),
    )


def test_a_step_not_reached_follows_the_one_declared_before_it():
    trace = run("payments.charge:refuse")
    assert order(steps(ShopWorld, trace), trace).edges == (
        ("payments.charge", "inventory.reserve"),
        ("inventory.reserve", "shipping.create"),
        ("shipping.create", "mail.send"),
    )


def test_an_action_asked_for_many_times_is_one_box_that_counts():
    assert "payments · 30 times" in [w.text for w in see(graph(ShopWorld, long_run()).svg, LIGHT)]


def test_twenty_steps_stand_in_rows_with_the_pivot_in_its_hue():
    def operation(name: str, role: Role = "action", kind: Kind = "compensable", of: str = "") -> Operation:
        return Operation(name, role, kind, of or name, ())

    kinds: list[Kind] = ["compensable"] * 9 + ["pivot"] + ["retriable"] * 10
    made = [operation(f"service_{n}.enable_dual_write", kind=kind) for n, kind in enumerate(kinds)]
    made += [operation(f"service_{n}.undo", "undo", of=made[n].name) for n in range(10)]

    class Wide(ShopWorld):
        operations: ClassVar = {each.name: each for each in made}
        function = "wide_saga"

    svg = graph(Wide).svg
    _, _, wide, high = map(float, parse(svg).get("viewBox", "").split())
    seen = see(svg, LIGHT)
    assert all(w.left >= 0 and w.right <= wide and w.baseline < high for w in seen)
    assert sum(w.text == "enable_dual_write" for w in seen) == 20
    assert sum(w.text == "point of no return" for w in seen) == 1
    assert theme.PIVOT in svg


def test_a_declared_saga_is_drawn_before_any_run():
    assert plan(DECLARED).text.splitlines() == [
        "The steps of order",
        "1. quote (read).",
        "2. Payments.charge (compensable), undone by Payments.refund, looked up by Payments.find.",
        "3. Inventory.reserve (compensable), undone by Inventory.release.",
        "4. Shipping.ship (pivot), looked up by Shipping.find.",
        "5. Mail.tell (retriable).",
        "The point of no return is Shipping.ship: once it is done, nothing is undone any more.",
    ]
    words = [w.text for w in see(plan(DECLARED).svg, LIGHT)]
    assert {"quote", "charge", "refund", "Shipping · pivot", "point of no return"} <= set(words)


def test_a_declared_saga_without_steps_cannot_be_drawn():
    with pytest.raises(ValueError, match="'order' has no steps"):
        plan(Saga("order", []))
