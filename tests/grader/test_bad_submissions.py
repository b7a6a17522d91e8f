"""What cannot be run, or never ends: a clear message of its own, an exit code, and never a traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grader import grade, process
from grader.report import Report

NAME = "exercise1_ecommerce_order.py"
HEAD = "from saga_lab import StepFailed\nfrom saga_lab.worlds.shop import OrderResult\n\n\n"
SAGA = "async def order_saga(saga, order, shop):\n"
CHARGE = 'await saga.step("charge", shop.payments.charge, order.customer_id, order.amount)'


@pytest.fixture(autouse=True)
def _impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop is endless after two seconds; the five of a learner would only make these tests wait."""
    monkeypatch.setattr(process, "SILENCE", 2.0)


def graded(folder: Path, source: str | bytes, name: str = NAME) -> Report:
    path = folder / name
    path.write_bytes(source.encode() if isinstance(source, str) else source)
    return grade(None, path, quick=True)


CANNOT_RUN = {
    "a syntax error": (
        f'{SAGA[:-3]}:\n    return OrderResult("failed")\n',
        [f"{NAME}:1", "'(' was never closed", "    async def order_saga(saga, order, shop:", "^"],
    ),
    "a wrong name": ("async def my_saga(saga, order, shop):\n    ...\n", ["rename that to order_saga"]),
    "no function": ("x = 1\n", ["async def order_saga(saga, request, services):"]),
    "a plain function": (
        "def order_saga(saga, order, shop):\n    ...\n",
        [f"{NAME}:1", "is a plain function", "async def order_saga(saga, order, shop):"],
    ),
    "too few parameters": ("async def order_saga(saga, order):\n    ...\n", ["saga, request, services"]),
    "an import that fails": (
        f"import numpyy\n\n\n{SAGA}    ...\n",
        [f"{NAME}:1   import numpyy", "ModuleNotFoundError", "the standard library"],
    ),
    "an error at the top": (
        f"x = 1 / 0\n\n\n{SAGA}    ...\n",
        [f"{NAME}:1   x = 1 / 0", "ZeroDivisionError", "before any saga ran"],
    ),
    "sys.exit at the top": (f"import sys\nsys.exit()\n{SAGA}    ...\n", [f"{NAME}:2   sys.exit()"]),
    "os._exit at the top": (f"import os\nos._exit(7)\n{SAGA}    ...\n", ["ended itself with code 7"]),
    "an endless loop at the top": (
        f"while True:\n    pass\n{SAGA}    ...\n",
        [f"{NAME}:", "did not come to its end within 2 s", "Keep only definitions at the top level"],
    ),
    "no text": (b"\xff\xfe\x00", ["is not text in UTF-8"]),
    "a null byte": ("x = 1\0\n", [NAME]),
    "an empty file": ("", ["is empty. Did you save it?"]),
}


@pytest.mark.parametrize(("source", "told"), CANNOT_RUN.values(), ids=CANNOT_RUN.keys())
def test_what_cannot_be_run_is_told_with_its_place(
    tmp_path: Path, source: str | bytes, told: list[str]
) -> None:
    report = graded(tmp_path, source)
    assert (report.verdict, report.exit_code, report.points) == ("not run", 2, 0)
    assert "Exercise 1 · E-commerce order — nothing was run" in str(report)
    for words in told:
        assert words in str(report)
    assert "Traceback" not in str(report)
    assert max(map(len, str(report).splitlines())) <= 100


FAILS = {
    "None": (f"{SAGA}    {CHARGE}\n", "S-0", "it returned None (is a `return` missing?)"),
    "a text": (f'{SAGA}    return "completed"\n', "S-0", "it returned a value of type str"),
    "a dict": (f'{SAGA}    return {{"status": "completed"}}\n', "S-0", "a value of type dict"),
    "an unknown status": (f'{SAGA}    return OrderResult("happy")\n', "S-0", "the status 'happy'"),
    "a status that is no text": (f"{SAGA}    return OrderResult(17)\n", "S-0", "17"),
    "an exception": (f'{SAGA}    raise ValueError("oops")\n', "L-1", "ValueError: oops left the function"),
    "an exception without a text": (f"{SAGA}    raise MemoryError\n", "L-1", "MemoryError left the function"),
    "no such operation": (
        f"{SAGA}    {CHARGE.replace('payments.charge', 'payments.pay')}\n",
        "L-1",
        "AttributeError: payments has charge, refund and find; there is no pay left the function",
    ),
    "no such service": (
        f"{SAGA}    shop.money\n",
        "L-1",
        "shop has payments, inventory, shipping and mail; there is no money",
    ),
    "sys.exit": (f"{SAGA}    import sys\n    sys.exit()\n", "L-1", "sys.exit was called"),
    "os._exit": (f"{SAGA}    import os\n    os._exit(0)\n", "L-1", "ended itself with code 0"),
    "an endless loop": (
        f"{SAGA}    {CHARGE}\n    while True:\n        pass\n",
        "L-1",
        "your code did not come back for 2 s, after it called payments.charge",
    ),
    "a real sleep": (f"import time\n{SAGA}    time.sleep(99)\n", "L-1", "use saga.sleep"),
    "an endless retry": (
        f"{SAGA}    while True:\n        try:\n            {CHARGE}\n        except StepFailed:\n"
        "            pass\n",
        "S-8",
        "payments.charge was asked 1000 times under order-001/charge",
    ),
    "an endless wait": (f'{SAGA}    await saga.promise("godot")\n', "L-1", "waits for something that never"),
    "a step not awaited": (f"{SAGA}    {CHARGE.removeprefix('await ')}\n", "S-0", "it returned None"),
}


@pytest.mark.parametrize(("source", "promise", "told"), FAILS.values(), ids=FAILS.keys())
def test_what_runs_and_goes_wrong_at_once_is_told_by_its_promise(
    tmp_path: Path, source: str, promise: str, told: str
) -> None:
    report = graded(tmp_path, HEAD + source)
    assert (report.verdict, report.exit_code) == ("fail", 1)
    assert str(report).startswith(f"✗ Exercise 1 · E-commerce order — {promise} ")
    assert told in " ".join(str(report).split())


def test_an_endless_loop_is_told_with_its_line(tmp_path: Path) -> None:
    report = graded(tmp_path, f"{HEAD}{SAGA}    n = 0\n    while n < 1:\n        n = n * 1\n")
    assert any(f"{NAME}:{line}   " in str(report) for line in (7, 8))


def test_a_missing_file_is_told_with_one_that_is_near(tmp_path: Path) -> None:
    (tmp_path / NAME).touch()
    report = grade(None, tmp_path / "exercise1_ecommerce_odrer.py")
    assert f"Did you mean {NAME}?" in str(report)
    assert report.exit_code == 2


def test_a_folder_is_told_with_a_file_in_it(tmp_path: Path) -> None:
    (tmp_path / NAME).touch()
    assert f"{tmp_path.name}/{NAME}." in str(grade(1, tmp_path))


def test_a_file_that_says_no_exercise_asks_for_one(tmp_path: Path) -> None:
    report = graded(tmp_path, "async def saga(a, b, c):\n    ...\n", "homework.py")
    assert "give --exercise N" in " ".join(str(report).split())


def test_another_kind_of_file_is_named(tmp_path: Path) -> None:
    assert "neither a .py nor an .ipynb" in str(graded(tmp_path, "", "exercise1_ecommerce_order.txt"))


# ---- notebooks


def notebook(*cells: str) -> str:
    made = [
        {
            "cell_type": "code",
            "id": f"c{n}",
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": x,
        }
        for n, x in enumerate(cells)
    ]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


BOOK = "exercise1_ecommerce_order.ipynb"
IMPORTS = "from saga_lab.worlds.shop import OrderResult"


def test_the_last_cell_that_defines_the_function_is_graded_and_the_first_is_warned_about(
    tmp_path: Path,
) -> None:
    wrong, worse = (f'{SAGA}    return OrderResult("{word}")\n' for word in ("one", "two"))
    report = graded(tmp_path, notebook(IMPORTS, wrong, worse), BOOK)
    assert "the status 'two'" in str(report)
    assert "Note: " in str(report)


def test_cells_that_the_function_does_not_need_are_not_run(tmp_path: Path) -> None:
    source = notebook(
        IMPORTS, "1 / 0", f'{SAGA}    return OrderResult("happy")\n', "%%time\nwhile True: pass"
    )
    assert "the status 'happy'" in str(graded(tmp_path, source, BOOK))


def test_a_line_of_a_notebook_is_told_by_cell_and_line(tmp_path: Path) -> None:
    report = graded(tmp_path, notebook(IMPORTS, f'{SAGA}    return OrderResult("happy")\n'), BOOK)
    assert f"{BOOK}, cell 2, line 2" in " ".join(str(report).split())


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("{", "is not a whole notebook"),
        (json.dumps({"cells": 3}), "is not a whole notebook"),
        (notebook("x = 1"), "order_saga"),
        (notebook(f"{SAGA[:-3]}:\n    ..."), "cell 1, line 1"),
    ],
)
def test_a_broken_notebook_is_told_as_such(tmp_path: Path, source: str, told: str) -> None:
    report = graded(tmp_path, source, BOOK)
    assert report.exit_code == 2
    assert told in str(report)
