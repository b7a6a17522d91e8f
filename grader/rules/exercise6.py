"""Exercise 6, the migration: what each status promises, and what must hold in both stores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from grader.rules import AS_WITHOUT, Broken, Invariant, Row, Rules, Shown
from grader.rules import systems_ledgers as systems
from grader.rules.common import COMMON
from grader.rules.facts import MANUAL, Call, Facts
from grader.rules.pauses import kept_apart
from grader.rules.scenarios import crash, endless, given_up
from grader.rules.systems_ledgers import COPY, SWITCH, VERIFY
from saga_lab.sim import Instant
from saga_lab.worlds.systems import SECOND_TRY

AS_BEFORE = "the old store takes all traffic and has every row, and dual-write is off"
STATUSES = {
    "completed": "the new store takes all traffic, the old one is off, and so is dual-write",
    "failed": AS_BEFORE,
    "migration_failed": AS_BEFORE,
    "verification_failed": AS_BEFORE,
    MANUAL: "the switch, or something behind it, is unfinished, and a dead letter says what to do",
}
BACK = ("failed", "migration_failed", "verification_failed")
ORDINARY = {"5-rows": "completed", "row-differs": "verification_failed"} | dict.fromkeys(
    (SECOND_TRY, "0", "1", "50", "99", "250", "1003"), "completed"
)
ENABLE, END, DISABLE = "router.enable_dual_write", "router.disable_dual_write", "old.disable"
STOPPED_BY = {"migration_failed": COPY, "verification_failed": VERIFY}
ROWS = (
    Row(ENABLE, ("refuse", "down*"), ("failed",), "dual-write off"),
    Row(ENABLE, ("given up",), ("failed", AS_WITHOUT), "dual-write off, unless it was found"),
    Row(COPY, ("refuse", "given up"), ("migration_failed",), "dual-write off"),
    Row(VERIFY, ("refuse", "given up"), ("verification_failed",), "no answer is no yes; all as before"),
    Row(SWITCH, ("refuse", "down*"), (MANUAL, "failed"), "a person, with dual-write on, or all as before"),
    Row(SWITCH, ("given up",), ("completed", MANUAL), "both stores stay complete until it is known"),
    Row(DISABLE, ("refuse", "given up"), (MANUAL,), "the new store takes the traffic"),
    Row(END, ("given up",), (MANUAL,), "a dead letter says what to do"),
)
MOST_BATCHES = 100


def decides(facts: Facts, rights: set[str]) -> set[str]:
    """A status tells in which phase it stopped; a cancel may come in any."""
    struck = {x.operation for x in facts.struck}
    differs = any(r.operation == VERIFY and r.value is False for r in facts.requests)
    return {
        status
        for status in rights | ({"verification_failed"} if differs else set())
        if facts.cancelled is not None
        or status == facts.ordinary
        or STOPPED_BY.get(status, SWITCH) in struck | {SWITCH}
    }


def kept(facts: Facts, call: Call) -> bool:
    """Both stores take every write until a person knows what became of the switch."""
    return facts.status == MANUAL and facts.last(SWITCH) is not None


def shows(facts: Facts) -> Iterator[Shown]:
    """Who is read, who is written, who is on."""
    done = facts.status == "completed"
    yield Shown("the traffic goes to", systems.traffic(facts.final), f"the {'new' if done else 'old'} store")
    old = systems.old_store(facts.final)
    yield Shown("the old store is", old.partition(",")[0] if done else old, "off" if done else "on")
    yield Shown("dual-write is", systems.dual_write(facts.final), "off")


# ---- the promises


def _always_readable(facts: Facts) -> Broken | None:
    for instant in facts.trace.instants:
        lost = instant.ledgers["client"]["unreadable"]
        if not lost:
            continue
        new = instant.ledgers["router"]["routing"] == "new"
        total = new or instant.ledgers["old"]["enabled"]
        rows = f"{lost} row{'' if lost == 1 else 's'}"
        observed = f"{rows} that the client was promised cannot be read: lost, old, or come back"
        if not total:
            observed = f"nothing can be read: the traffic goes to the old store, and that is off ({rows})"
        switch = instant.number or facts.last(SWITCH)
        return Broken("every acknowledged write can be read at every instant", observed, switch)
    return None


def _verified_before(facts: Facts) -> Broken | None:
    instants = facts.trace.instants
    new = next((x for x in instants if x.ledgers["router"]["routing"] == "new"), None)
    if new is None:
        return None
    copying = next((place for place, x in enumerate(instants) if _asked(facts, x) == COPY), len(instants))
    for instant in [*instants[copying : instants.index(new)], new]:
        if systems.dual_write(instant.ledgers) == "off":
            asked = _asked(facts, instant)
            what = "rows were copied" if asked == COPY else "the traffic was switched"
            return Broken(
                "dual-write is on from before the first copy until after the switch",
                "dual-write was ended before the switch"
                if asked == END
                else f"{what} while dual-write was off",
                instant.number,
                why="Without it a write reaches one store only: those between copy and switch are lost.",
            )
    if systems.verified(facts, facts.trace.requests[new.number - 1]):
        return None
    verify = facts.last(VERIFY)
    return Broken(
        "the traffic is switched after a verification that said yes",
        f"the traffic was switched, and {VERIFY} {'gave no yes' if verify else 'was never asked for'}",
        new.number,
        why="Verification never gave an answer, or said no, and you took it as yes."
        if verify
        else "Nobody compared the stores. What did not come over whole is lost with the switch.",
    )


def _asked(facts: Facts, instant: Instant) -> str:
    """For which request something changed."""
    by_request = instant.number and not instant.by
    return facts.trace.requests[instant.number - 1].operation if by_request else ""


def _old_goes_last(facts: Facts) -> Broken | None:
    for _, request in facts.effects("done"):
        if request.operation == DISABLE and (known := systems.switched(facts, request)) != "done":
            observed = f"{DISABLE} took effect while the switch was {known}"
            return Broken(
                "the old store is on until the switch is known to be done", observed, request.number
            )
    return None


def _all_as_before(facts: Facts) -> Broken | None:
    return _as_promised(facts) if facts.status in BACK else None


def _all_done(facts: Facts) -> Broken | None:
    return _as_promised(facts) if facts.status == "completed" else None


def _as_promised(facts: Facts) -> Broken | None:
    wrong = [x for x in shows(facts) if x.found != x.right]
    if not wrong:
        return None
    observed = f"{facts.status}, and " + ", ".join(f"{x.what} {x.found}" for x in wrong)
    missing = {"dual-write is": END, "the old store is": DISABLE, "the traffic goes to": SWITCH}[
        wrong[-1].what
    ]
    if facts.status in BACK:
        missing = END
    where = facts.last(missing)
    expected = f"{facts.status} promises: {STATUSES[facts.status]}"
    return Broken(expected, observed, where or _last(facts), "" if where else missing)


def _last(facts: Facts) -> int | None:
    return facts.requests[-1].number if facts.requests else None


def _only_forward(facts: Facts) -> Broken | None:
    ends = [r for r in facts.requests if r.operation == END and systems.switched(facts, r) == "done"]
    if facts.status not in BACK or not (ends or facts.pivot_known):
        return None
    lost = facts.final["old"]["behind"]
    return Broken(
        "behind the switch there is only forward",
        f"{facts.status}, though the switch is known to be done",
        ends[0].number if ends else facts.last(SWITCH),
        why=f"New writes live only in the new store: going back loses {lost or 'each'} of them. Go forward.",
    )


def _both_while_in_doubt(facts: Facts) -> Broken | None:
    for _, request in facts.effects("undone"):
        if request.operation != END:
            continue
        known = systems.switched(facts, request)
        if known == "in doubt":
            observed = f"{END} took effect while the switch was in doubt"
            return Broken("dual-write stays on while the switch is in doubt", observed, request.number)
        if known == "not done" and facts.status == MANUAL and request.answer == "value":
            observed = f"{MANUAL}, and dual-write is off"
            return Broken("dual-write stays on when a person has to switch", observed, request.number)
    return None


def _copied_once(facts: Facts) -> Broken | None:
    first = next((r for r in facts.requests if r.operation == VERIFY), None)
    if first is None:
        return None
    found, total = systems.copied(facts, first), facts.request.total_records
    covered = Counter(row for batch in found for row in range(batch.start, batch.stop))
    left = [row for row in range(total) if not covered[row]]
    twice = [row for row in range(total) if covered[row] > 1]
    most = max(1, min(MOST_BATCHES, total))
    if left:
        observed = f"{len(left)} of {total} rows exist only in the old store, the first at position {left[0]}"
    elif twice:
        observed = (
            f"{len(twice)} of {total} rows were copied under two keys, the first at position {twice[0]}"
        )
    elif len(found) > most:
        observed = f"{len(found)} batches for {total} rows: at most {MOST_BATCHES}, and fewer for fewer rows"
    else:
        return None
    expected = "when verification is asked, every position was copied under exactly one key"
    return Broken(expected, observed, first.number)


def _goes_on(facts: Facts) -> Broken | None:
    if not facts.trace.crashes:
        return None
    for batch in systems.batches(facts):
        known = batch.answered
        again = next((r for r in batch.requests if known is not None and r.sent > known), None)
        if again is not None:
            observed = f"rows {batch.start} to {batch.stop} were copied already, and asked for again"
            return Broken("after a crash the migration goes on where it was", observed, again.number)
    return None


def _another_can_begin(facts: Facts) -> Broken | None:
    """The one after a failure is a case of its own; every other run leaves behind what it needs."""
    if facts.trace.case == SECOND_TRY and facts.status != facts.ordinary:
        observed = (
            f"{facts.status}, where an earlier migration had failed and left copies that are old by now"
        )
        return Broken("a migration succeeds where an earlier one failed", observed, _last(facts))
    if facts.status not in BACK or systems.dual_write(facts.final) == "off":
        return None
    where = facts.last(END)
    observed = (
        f"{facts.status}, and {facts.request.service_id} is in dual-write still: the next one is refused"
    )
    expected = "another migration can begin where this one failed"
    return Broken(expected, observed, where or facts.last(ENABLE), "" if where else END)


RULES = Rules(
    number=6,
    title="Live data migration",
    statuses=STATUSES,
    ordinary=ORDINARY,
    rows=ROWS,
    shows=shows,
    ids={},
    tells={
        ENABLE: lambda service_id: service_id,
        COPY: lambda service_id, start, stop: f"rows {start} to {stop}",
        VERIFY: lambda service_id: "both stores",
        SWITCH: lambda service_id: "to the new store",
        DISABLE: lambda service_id: service_id,
    },
    clean=BACK,
    repeatable=frozenset({COPY}),
    onward=frozenset({END}),
    kept=kept,
    decides=decides,
    invariants=(
        Invariant(
            "E6-S1",
            "every acknowledged write can be read at every instant",
            "The client goes on writing. What it was promised must be where it is read.",
            5,
            _always_readable,
            unended=True,
        ),
        Invariant(
            "E6-S2",
            "the traffic goes to a store that was verified, with dual-write on since before the first copy",
            "A copy is old the moment it is made: only dual-write keeps it fresh, only content proves it.",
            5,
            _verified_before,
            unended=True,
        ),
        Invariant(
            "E6-S3",
            "the old store is off only when the switch is known to be done",
            "If the switch did not happen, the old store is all there is.",
            5,
            _old_goes_last,
            given_up,
            unended=True,
        ),
        Invariant(
            "E6-S4",
            "a migration that failed leaves all as it was",
            "Whoever reads that it failed goes on with the old store, and tries again some day.",
            4,
            _all_as_before,
        ),
        Invariant(
            "E6-S5",
            "behind the switch nothing is undone",
            "New writes live only in the new store: there is no way back that keeps them. Go forward.",
            5,
            _only_forward,
            given_up,
        ),
        Invariant(
            "E6-S6",
            "while the switch is in doubt both stores take every write",
            "As long as you do not know who is read, both must have everything.",
            5,
            _both_while_in_doubt,
            endless,
            unended=True,
        ),
        Invariant(
            "E6-S7",
            "every position is copied under exactly one key",
            "Integer division leaves a rest. The last range takes it, and fewer rows make fewer batches.",
            5,
            _copied_once,
            unended=True,
        ),
        Invariant(
            "E6-S8",
            "completed if the traffic is switched, the old store off and dual-write ended",
            "Half a migration costs twice: two systems to run, and nobody who knows which one counts.",
            5,
            _all_done,
        ),
        Invariant(
            "E6-L1",
            "after a crash it goes on where it was",
            "What is recorded is answered from the journal.",
            6,
            _goes_on,
            crash,
            points=0,
        ),
        Invariant(
            "E6-L2",
            "a minute between batches, crash or no crash, and none after the last",
            "A pause spares the stores; it must neither be lost with a process, nor begin again.",
            6,
            kept_apart,
            unended=True,
        ),
        Invariant(
            "E6-L3",
            "another migration can begin where one failed",
            "What one run leaves behind stands in the way of the next.",
            4,
            _another_can_begin,
            given_up,
        ),
        *COMMON,
    ),
)
