"""What a person on call types, and what the commands answer."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from grader.cli import main
from saga_lab import CompensationFailed, Engine, Refused, SagaContext, SqlJournal, StepFailed
from saga_lab.cli.opening import length

EPOCH = 1_700_000_000.0  # 2023-11-14 22:13:20 UTC
APP = """
from pathlib import Path
from saga_lab import Engine
from tests.cli.test_runs import Shop, order_saga

def engine(journal):
    engine = Engine(journal)
    engine.register(order_saga, Shop("", Path("ledger")))
    return engine

def stopping(journal):
    engine = Engine(journal)
    engine.register(order_saga, Shop("SIGTERM", Path("ledger")))
    return engine

async def later(journal):
    return engine(journal)

def forgetful(journal):
    pass

value = 17
"""


class Death(BaseException):
    """The worker's process died here."""


class Clock:
    """Time passes for those who sleep, and at once."""

    def __init__(self) -> None:
        self.time = EPOCH

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds
        await asyncio.sleep(0)


class Shop:
    """Does what its trouble says; what it did is in its ledger, a file."""

    def __init__(self, trouble: str, ledger: Path) -> None:
        self.trouble = trouble
        self.ledger = ledger

    def note(self, what: str) -> None:
        with self.ledger.open("a") as file:
            file.write(f"{what}\n")

    async def charge(self, key: str, amount: int) -> str:
        self.note(f"charge {key}")
        return "payment-1"

    async def refund(self, key: str) -> None:
        if self.trouble == "no refund":
            raise Refused("the account is closed")
        self.note(f"refund {key}")

    async def ship(self, key: str) -> None:
        if self.trouble == "death":
            raise Death
        if self.trouble == "SIGTERM":
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()
        if self.trouble in ("no parcel", "no refund"):
            raise Refused("no parcel left")
        self.note(f"ship {key}")


async def order_saga(saga: SagaContext, amount: int, shop: Shop) -> str:
    try:
        await saga.step("charge", shop.charge, amount, compensate=shop.refund)
        await saga.step("ship", shop.ship)
    except StepFailed:
        await saga.compensate()
        return "failed"
    if shop.trouble == "no mail":
        saga.park("send the mail")
    return "completed"


async def other_saga(saga: SagaContext, amount: int, shop: Shop) -> str:
    return await saga.step("charge", shop.charge, amount)


class Desk:
    """A journal on disk with a few sagas, and somebody who types."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"sqlite:///{folder / 'sagas.db'}"
        (folder / "shopapp.py").write_text(APP)

    def run(self, id: str, trouble: str = "", saga: Any = order_saga, at: float = 0) -> None:
        async def story() -> None:
            journal, clock = SqlJournal(self.url), Clock()
            clock.time += at
            engine = Engine(journal, clock=clock)
            run = await engine.start(saga, 10, Shop(trouble, self.folder / "ledger"), id=id)
            with suppress(Death, CompensationFailed):
                await run.result()
            await engine.close()
            journal.close()

        asyncio.run(story())

    def type(self, *words: str) -> Result:
        result = CliRunner().invoke(main, ["runs", *words], env={"SAGA_JOURNAL": self.url, "COLUMNS": "200"})
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def json(self, *words: str) -> Any:
        result = self.type(*words, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def state(self, id: str) -> str:
        return str(self.json("show", id)["state"])

    @property
    def ledger(self) -> list[str]:
        return (self.folder / "ledger").read_text().splitlines()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    monkeypatch.delitem(sys.modules, "shopapp", raising=False)
    desk = Desk(tmp_path)
    desk.run("well")
    desk.run("back", "no parcel", at=60)
    desk.run("stuck", "no refund", at=120)
    desk.run("dead", "death", at=180)
    return desk


# ---- list


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [each["id"] for each in found]


def test_sagas_are_listed_oldest_first_with_their_state(desk: Desk) -> None:
    assert [(each["id"], each["state"]) for each in desk.json("list")] == [
        ("well", "COMPLETED"),
        ("back", "COMPENSATED"),
        ("stuck", "STUCK"),
        ("dead", "RUNNING"),
    ]
    told = desk.type("list").stdout
    assert "4 sagas" in told and "2023-11-14 22:13:20.000Z" in told and "COMPENSATED" in told


def test_a_list_is_narrowed_by_state_name_and_age(desk: Desk) -> None:
    desk.run("other", saga=other_saga, at=2e9)
    assert ids(desk.json("list", "--state", "stuck")) == ["stuck"]
    assert ids(desk.json("list", "--name", "other_saga")) == ["other"]
    assert ids(desk.json("list", "--older-than", "1d")) == ["well", "back", "stuck", "dead"]
    assert desk.json("list", "--name", "nobody") == []


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("15m", 900), ("1.5h", 5400), ("30d", 2_592_000)])
def test_a_length_of_time_has_a_unit(text: str, seconds: float) -> None:
    assert length(text) == seconds


@pytest.mark.parametrize("text", ["", "90", "d", "-1d", "1 day", "infd"])
def test_what_is_no_length_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(click.BadParameter, match="write 90s, 15m, 12h or 30d"):
        length(text)


# ---- show, explain


def test_a_saga_is_shown_with_its_events_and_what_a_person_must_do(desk: Desk) -> None:
    told = desk.type("show", "stuck").stdout
    assert "stuck: order_saga, STUCK" in told and "2023-11-14 22:15:20.000Z" in told
    assert "step=charge" in told and "args=[10]" in told
    assert (
        "A person must see to it: undo charge by hand: the account is closed [stuck/charge, 1 attempts]"
        in told
    )
    assert "saga-lab runs release stuck retry|done|skip" in told


def test_nothing_shown_is_cut_off(desk: Desk) -> None:
    desk.run("x" * 300)
    assert desk.type("list").stdout.count("x") == 300


def test_a_saga_is_shown_to_programs_with_every_field(desk: Desk) -> None:
    shown = desk.json("show", "stuck")
    assert shown["events"][0] == {
        "type": "started",
        "id": "stuck",
        "at": EPOCH + 120,
        "saga": "order_saga",
        "request": 10,
    }
    assert [letter["key"] for letter in shown["letters"]] == ["stuck/charge"]


def test_each_event_is_explained_in_a_sentence(desk: Desk) -> None:
    assert len(desk.json("explain", "well")) == len(desk.json("show", "well")["events"])
    assert "charge is done: the service answered." in desk.type("explain", "well").stdout


# ---- release


def test_a_person_says_that_it_is_done(desk: Desk) -> None:
    told = desk.type("release", "stuck", "done")
    assert told.exit_code == 0 and "released (done)" in told.stdout
    assert desk.type("recover", "--app", "shopapp").exit_code == 0
    assert desk.state("stuck") == "COMPENSATED"
    assert "refund stuck/charge" not in desk.ledger


def test_a_stuck_undo_is_tried_again_here_and_now(desk: Desk) -> None:
    told = desk.type("release", "stuck", "retry", "--app", "shopapp:engine")
    assert "stuck is released (retry) and COMPENSATED" in told.stdout
    assert desk.ledger[-1] == "refund stuck/charge"


def test_what_is_not_stuck_cannot_be_released(desk: Desk) -> None:
    told = desk.type("release", "well", "done")
    assert told.exit_code == 2 and "COMPLETED, not STUCK" in told.stderr


# ---- recover


@pytest.mark.parametrize("app", ["shopapp", "shopapp:engine", "shopapp:later"])
def test_what_a_dead_worker_left_is_finished(desk: Desk, app: str) -> None:
    told = desk.type("recover", "--app", app)
    assert told.exit_code == 0 and "dead: COMPLETED\n1 taken over" in told.stdout
    assert desk.ledger.count("charge dead/charge") == 1 and desk.ledger[-1] == "ship dead/ship"
    assert "0 taken over" in desk.type("recover", "--app", app).stdout


@pytest.mark.parametrize("stay", [(), ("--every", "60s")])
def test_a_worker_that_is_told_to_stop_leaves_its_sagas_to_the_next(
    desk: Desk, stay: tuple[str, ...]
) -> None:
    told = desk.type("recover", "--app", "shopapp:stopping", *stay)
    assert told.exit_code == 0 and "Stopped" in told.stderr
    assert "dead: COMPLETED\n1 taken over" in desk.type("recover", "--app", "shopapp").stdout


@pytest.mark.parametrize(
    ("app", "says"),
    [
        ("nosuchapp", "There is no module 'nosuchapp' here"),
        ("shopapp:nothing", "The module shopapp has no 'nothing'"),
        ("shopapp:forgetful", "shopapp:forgetful gave no Engine"),
        ("shopapp:value", "shopapp:value gave no Engine"),
    ],
)
def test_an_app_that_gives_no_engine_is_told_how_it_should_read(desk: Desk, app: str, says: str) -> None:
    told = desk.type("recover", "--app", app)
    assert told.exit_code == 2 and says in told.stderr


# ---- prune


def test_only_what_ended_long_ago_is_forgotten(desk: Desk) -> None:
    desk.run("young", at=2e9)
    assert "well\nback\n2 would be forgotten" in desk.type("prune", "--older-than", "1d", "--dry-run").stdout
    assert len(desk.json("list")) == 5
    assert "2 are forgotten" in desk.type("prune", "--older-than", "1d").stdout
    assert ids(desk.json("list")) == ["stuck", "dead", "young"]
    assert "0 are forgotten" in desk.type("prune", "--older-than", "1d").stdout


def test_a_dead_letter_is_forgotten_only_on_demand(desk: Desk) -> None:
    desk.run("unsent", "no mail")
    assert "1 kept, since a dead letter" in desk.type("prune", "--older-than", "1d").stdout
    assert "unsent" in ids(desk.json("list"))
    assert "1 are forgotten" in desk.type("prune", "--older-than", "1d", "--letters").stdout
    assert "unsent" not in ids(desk.json("list"))


def test_a_forgotten_id_is_free(desk: Desk) -> None:
    desk.type("prune", "--older-than", "1d")
    desk.run("well")
    assert desk.state("well") == "COMPLETED" and desk.ledger.count("ship well/ship") == 2


# ---- what cannot be


def test_a_journal_that_is_not_there_is_not_made(desk: Desk, tmp_path: Path) -> None:
    told = desk.type("list", "--journal", f"sqlite:///{tmp_path / 'other.db'}")
    assert told.exit_code == 2 and "There is no journal" in told.stderr
    assert not (tmp_path / "other.db").exists()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sqlite:///shopapp.py", "The file is no SQLite database"),
        ("sagas.db", "sqlite:///"),
        ("mysql://host/db", "SQLite or PostgreSQL"),
    ],
)
def test_what_is_no_journal_is_told_so(desk: Desk, url: str, says: str) -> None:
    told = desk.type("list", "--journal", url)
    assert told.exit_code == 2 and says in told.stderr


@pytest.mark.parametrize("command", ["show", "explain"])
def test_an_unknown_id_is_told_so(desk: Desk, command: str) -> None:
    told = desk.type(command, "nobody")
    assert told.exit_code == 2 and "there is no saga 'nobody' in this journal" in told.stderr
    assert desk.type("release", "nobody", "done").exit_code == 2


def test_every_command_teaches_by_an_example() -> None:
    for name in ("list", "show", "explain", "release", "recover", "prune"):
        told = CliRunner().invoke(main, ["runs", name, "--help"])
        assert told.exit_code == 0 and f"saga-lab runs {name}" in told.stdout
