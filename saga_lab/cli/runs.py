"""saga-lab runs: list, show, explain, release, recover, prune, for whoever looks after running sagas."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any, Literal

import click

from saga_lab import events as e
from saga_lab.cli.opening import Unusable, engine_of, length, opened
from saga_lab.cli.telling import as_json, details, state_of, table, when
from saga_lab.engine import Engine
from saga_lab.explain import explain
from saga_lab.fold import State, fold
from saga_lab.run import Run

Command = Callable[..., Any]
STATES = click.Choice([state.value for state in State], case_sensitive=False)
JOURNAL = click.option(
    "--journal",
    "-j",
    envvar="SAGA_JOURNAL",
    required=True,
    metavar="URL",
    help="Where the sagas are kept: sqlite:///FILE or postgresql://...; default: $SAGA_JOURNAL.",
)
JSON = click.option("--json", "plain", is_flag=True, help="Print JSON, for programs.")
APP_SAYS = """MODULE:FUNCTION, a function of yours that takes a journal and gives an Engine with your sagas
registered. Default for FUNCTION: engine."""


@click.group("runs")
def runs() -> None:
    """Look after running sagas: what runs, what is stuck, what a person must do.

    All commands read a journal, whoever runs its sagas. Name it once:

    \b
    export SAGA_JOURNAL=sqlite:///sagas.db
    saga-lab runs list --state STUCK            # which sagas need me?
    saga-lab runs show order-17                 # what happened, and what must I do?
    saga-lab runs explain order-17              # why did the engine do that?
    saga-lab runs release order-17 done         # I have refunded it by hand

    Exit code: 0 when it worked, 2 when not, with the reason.
    """


@runs.command("list")
@JOURNAL
@click.option("--state", type=STATES, help="Only those in this state.")
@click.option("--name", help="Only those of the saga registered under this name.")
@click.option(
    "--older-than", type=length, help="Only those without an event for so long: 90s, 15m, 12h, 30d."
)
@JSON
def list_command(
    journal: str, state: str | None, name: str | None, older_than: float | None, plain: bool
) -> None:
    """List sagas, oldest first.

    \b
    saga-lab runs list --state STUCK
    saga-lab runs list --name order_saga --older-than 15m --json
    """
    with opened(journal) as kept:
        chosen = Engine(kept).list(state=state, name=name, older_than=older_than)
        found = [_summary(run.events) for run in chosen]
    if plain:
        return as_json(found)
    table(
        ["id", "saga", "state", "started (UTC)", "last event", "dead letters"],
        [
            (
                each["id"],
                each["saga"],
                state_of(each["state"]),
                when(each["started"]),
                when(each["last"]),
                str(each["dead_letters"] or ""),
            )
            for each in found
        ],
    )
    click.echo(f"{len(found)} {'saga' if len(found) == 1 else 'sagas'}")


@runs.command("show")
@JOURNAL
@click.argument("id")
@JSON
def show_command(journal: str, id: str, plain: bool) -> None:
    """Show saga ID: every event with its time, and what a person must do.

    \b
    saga-lab runs show order-17
    saga-lab runs show order-17 --json | jq '.events[-1]'
    """
    with opened(journal) as kept:
        events = _found(Engine(kept), id).events
    record = fold(events)
    if plain:
        return as_json({**_summary(events), "events": events, "letters": record.letters})
    head = _summary(events)
    click.echo(f"{id}: {head['saga']}, {head['state']}\n")
    table(
        ["time (UTC)", "event", "what it tells"],
        [(when(event.at), str(event.__struct_config__.tag), details(event)) for event in events],
    )
    for letter in record.letters:
        about = f" [{letter.key}, {letter.attempts} attempts]" if letter.key else ""
        standing = f"; still done: {', '.join(letter.still_done)}" if letter.still_done else ""
        click.echo(f"A person must see to it: {letter.reason}{about}{standing}")
    if record.state is State.STUCK:
        click.echo(f"It waits for: saga-lab runs release {id} retry|done|skip")


@runs.command("explain")
@JOURNAL
@click.argument("id")
@JSON
def explain_command(journal: str, id: str, plain: bool) -> None:
    """Say why the engine did what it did in saga ID, one sentence an event.

    \b
    saga-lab runs explain order-17
    """
    with opened(journal) as kept:
        events = _found(Engine(kept), id).events
    sentences = explain(events)
    if plain:
        return as_json(sentences)
    table(
        ["time (UTC)", "why"],
        [(when(event.at), sentence) for event, sentence in zip(events, sentences, strict=True)],
    )


@runs.command("release")
@JOURNAL
@click.argument("id")
@click.argument("decision", type=click.Choice(["retry", "done", "skip"]))
@click.option(
    "--app", help=f"Go on with it here and now. {APP_SAYS} Without it, a worker's next recovery does."
)
def release_command(
    journal: str, id: str, decision: Literal["retry", "done", "skip"], app: str | None
) -> None:
    """Let the stuck saga ID go on, by your word.

    \b
    retry   try again what failed for good, with a new budget
    done    you have undone it by hand; the older undos follow
    skip    it stays as it is; the older undos follow

    \b
    saga-lab runs release order-17 retry --app shop.sagas
    """

    async def release() -> State:
        async with await engine_of(app, kept) if app else Engine(kept) as engine:
            run = _found(engine, id)
            try:
                await engine.release(id, decision)
            except ValueError as refused:
                raise Unusable(str(refused)) from None
            await _until_over(engine)
            return run.state

    with opened(journal) as kept:
        state = asyncio.run(release())
    goes_on = "" if state.terminal or app else "; it goes on with a worker's next recovery"
    click.echo(f"{id} is released ({decision}) and {state}{goes_on}")


@runs.command("recover")
@JOURNAL
@click.option("--app", required=True, help=APP_SAYS)
@click.option("--every", type=length, help="Stay, and look again so often: 60s. A worker of its own.")
def recover_command(journal: str, app: str, every: float | None) -> None:
    """Take over every saga whose worker is gone, and work until each has ended or is stuck.

    Ctrl-C or SIGTERM stops at once; what was not finished is anybody's to recover.

    \b
    saga-lab runs recover --app shop.sagas:engine
    saga-lab runs recover --app shop.sagas:engine --every 60s

    \b
    # shop/sagas.py
    def engine(journal):
        engine = Engine(journal)
        engine.register(order_saga, Shop())
        return engine
    """

    async def recover() -> Sequence[str]:
        here = asyncio.current_task()
        if here is not None and sys.platform != "win32":
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, here.cancel)
        async with await engine_of(app, kept) as engine:
            if every is not None:
                await engine.recover_forever(every)
            await engine.recover()
            taken = [life.saga.id for life in engine.lives()]
            await _until_over(engine)
        return taken

    with opened(journal) as kept:
        try:
            taken = asyncio.run(recover())
        except (KeyboardInterrupt, asyncio.CancelledError):
            click.echo("Stopped: what was not finished is anybody's to recover.", err=True)
            return
        ended = [_summary(kept.read(id)) for id in taken]
    for each in ended:
        click.echo(f"{each['id']}: {each['state']}")
    click.echo(f"{len(taken)} taken over")


@runs.command("prune")
@JOURNAL
@click.option("--older-than", type=length, required=True, help="Without an event for so long: 12h, 30d.")
@click.option("--letters", is_flag=True, help="Also those with dead letters, which nobody will see again.")
@click.option("--dry-run", is_flag=True, help="Only say which ones.")
def prune_command(journal: str, older_than: float, letters: bool, dry_run: bool) -> None:
    """Forget sagas that ended long ago, COMPLETED or COMPENSATED. No others are ever forgotten.

    A forgotten id is free: a request that comes again under it runs again. So keep sagas for longer than
    any client goes on sending.

    \b
    saga-lab runs prune --older-than 90d --dry-run
    saga-lab runs prune --older-than 90d
    """

    async def forget() -> list[str]:
        for id, version in old:
            if not dry_run:
                await kept.forget(id, version)
        return [id for id, _ in old]

    with opened(journal) as kept:
        old, parked = list[tuple[str, int]](), 0
        for run in Engine(kept).list(older_than=older_than):
            record = fold(events := run.events)
            if record.state.terminal and record.letters and not letters:
                parked += 1
            elif record.state.terminal:
                old.append((run.id, len(events)))
        gone = asyncio.run(forget())
    if dry_run:
        click.echo("".join(f"{id}\n" for id in gone), nl=False)
    click.echo(f"{len(gone)} {'would be' if dry_run else 'are'} forgotten")
    if parked:
        click.echo(f"{parked} kept, since a dead letter of theirs would go too: add --letters to forget them")


def _found(engine: Engine, id: str) -> Run:
    try:
        return engine.get(id)
    except LookupError as error:
        raise Unusable(f"{error.args[0]}: see `saga-lab runs list`.") from None


def _summary(events: Sequence[e.Event]) -> dict[str, Any]:
    """A saga in a line."""
    record = fold(events)
    return {
        "id": events[0].id,
        "saga": record.started.saga if record.started else "",
        "state": record.state,
        "started": events[0].at,
        "last": events[-1].at,
        "dead_letters": len(record.letters),
    }


async def _until_over(engine: Engine) -> None:
    """Wait for all that runs here; whatever it ends with is in the journal."""
    for life in engine.lives():
        await life.ended()
