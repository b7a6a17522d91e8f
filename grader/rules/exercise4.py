"""Exercise 4, the deployment: what each status promises, and what must hold on the platform."""

from __future__ import annotations

from collections.abc import Iterator

from grader.rules import AS_WITHOUT, Broken, Invariant, Row, Rules, Shown
from grader.rules import platform_ledgers as platform
from grader.rules.aside import only
from grader.rules.common import COMMON
from grader.rules.facts import MANUAL, Call, Facts
from grader.rules.scenarios import given_up
from grader.rules.stage_logs import DEPLOY, LOG, SWITCH, TEST, logs_are_kept, logs_change_nothing
from saga_lab.sim import Request, Scenario
from saga_lab.worlds.world import World

STATUSES = {
    "deployed": "staging and production run the new version, and DNS points to it",
    "failed": "nothing of this deployment runs, and DNS points where it did",
    "tests_failed": "nothing of this deployment runs, and DNS points where it did",
    MANUAL: "something may still run that should not, and a dead letter says what to do",
}
ORDINARY = {"green": "deployed", "red": "tests_failed", "first": "deployed"}
ROLL_BACK, REVERT = "environments.rollback", "dns.revert"
STAGING, PRODUCTION = f"{DEPLOY}[staging]", f"{DEPLOY}[production]"
NOTHING_RUNS = "production, then staging taken back"
ROWS = (
    Row(STAGING, ("refuse", "down*"), ("failed",), "nothing runs"),
    Row(STAGING, ("given up",), ("failed", AS_WITHOUT), "staging taken back by its key"),
    Row(TEST, ("refuse", "given up"), ("tests_failed", "failed"), "as red; the log says why"),
    Row(PRODUCTION, ("refuse", "down*"), ("failed",), NOTHING_RUNS),
    Row(PRODUCTION, ("given up",), ("failed", AS_WITHOUT), NOTHING_RUNS),
    Row(SWITCH, ("refuse", "down*"), ("failed",), NOTHING_RUNS),
    Row(SWITCH, ("given up",), ("failed", AS_WITHOUT), f"DNS, {NOTHING_RUNS}"),
    Row(LOG, ("refuse", "given up"), (AS_WITHOUT,), "parked with their text"),
    Row(ROLL_BACK, ("down*",), (MANUAL,), "the others undone where safe, or named"),
)


def shows(facts: Facts) -> Iterator[Shown]:
    """What runs in each environment, and where DNS points."""
    deployed = facts.status == "deployed"
    for name in platform.ENVIRONMENTS:
        found = platform.running(facts, facts.final, name)
        right = facts.request.version if deployed else "nothing"
        yield Shown(f"of this deployment {name} runs", found, right)
    yield Shown("DNS points to", platform.points_to(facts), platform.should_point_to(facts, deployed))


def last(facts: Facts, operation: str, about: str = "") -> int | None:
    """The number of the last request of an operation about one thing, None when there is none."""
    asked = [r.number for r in facts.requests if (r.operation, r.about) == (operation, about)]
    return asked[-1] if asked else None


# ---- the promises


def _traffic_arrives(facts: Facts) -> Broken | None:
    if (lost := platform.astray(facts)) is None:
        return None
    instant, seconds = lost
    version = instant.ledgers["dns"]["version"]
    how_long = "from then on" if seconds is None else f"for {seconds:g} s"
    return Broken(
        "DNS points at something that runs, at every instant",
        f"{how_long} DNS pointed at {version} in production, which was not running",
        instant.number,
    )


def _all_of_it(facts: Facts) -> Broken | None:
    if facts.status == MANUAL:
        return None
    wanted = [
        shown._replace(right=right) for shown, right in zip(shows(facts), _deployed(facts), strict=True)
    ]
    there = [shown for shown in wanted if shown.found == shown.right]
    if facts.status != "deployed":
        if len(there) < len(wanted):
            return None
        return Broken("who has deployed everything says so", f"{facts.status}, and all of it runs")
    missing = next((shown for shown in wanted if shown not in there), None)
    if missing is None:
        return None
    observed = f"deployed, but {missing.what} {missing.found}, not {missing.right}"
    return Broken(f"deployed: {STATUSES['deployed']}", observed)


def _deployed(facts: Facts) -> list[str]:
    version = str(facts.request.version)
    return [version, version, platform.should_point_to(facts, deployed=True)]


def _nothing_of_it(facts: Facts) -> Broken | None:
    if facts.status in ("deployed", MANUAL):
        return None
    expected = f"{facts.status} promises that {STATUSES[facts.status]}"
    points, should = platform.points_to(facts), platform.should_point_to(facts, deployed=False)
    if points != should:
        where, asked = last(facts, REVERT), last(facts, SWITCH)
        observed = f"{facts.status}, and DNS still points to {points}, not to {should}"
        return Broken(expected, observed, where or asked, "" if where else REVERT)
    for name in reversed(platform.ENVIRONMENTS):
        found = platform.running(facts, facts.final, name)
        if found == "nothing":
            continue
        where, asked = last(facts, ROLL_BACK, name), last(facts, DEPLOY, name)
        was = platform.before(facts, name)
        observed = f"{facts.status}, yet {name} still runs {found}; it must be back at {was}"
        told = any(r.operation == DEPLOY and r.about == name and r.answer == "value" for r in facts.requests)
        why = "The failing stage also needs its roll-back: the call failed for you, the platform did it."
        return Broken(expected, observed, where or asked, "" if where else ROLL_BACK, "" if told else why)
    return None


def _order_of_undo(facts: Facts) -> Broken | None:
    undone = {
        name: back for name in ("dns", *reversed(platform.ENVIRONMENTS)) if (back := _back(facts, name))
    }
    production, staging, dns = undone.get("production"), undone.get("staging"), undone.get("dns")
    if production is not None and any(_may_point(facts, call, production) for call in facts.pivots):
        return Broken(
            "production is never taken back while DNS may point to it",
            f"{ROLL_BACK} of production was asked before it was known that DNS is back",
            production.number,
        )
    for newer, older in ((dns, production), (production, staging), (dns, staging)):
        if newer is not None and older is not None and older.sent < newer.sent:
            observed = f"{older.operation} {older.about} came before {newer.operation} {newer.about}".rstrip()
            return Broken("undone are DNS, production, staging, in this order", observed, older.number)
    return None


def _back(facts: Facts, stage: str) -> Request | None:
    """The first undo of a stage that may stand."""
    operation, about = (SWITCH, "") if stage == "dns" else (DEPLOY, stage)
    for call in facts.actions:
        if (call[0], facts.calls[call][0].about) == (operation, about) and facts.may_stand(call):
            return next(iter(facts.undos(call)), None)
    return None


def _may_point(facts: Facts, call: Call, since: Request) -> bool:
    """As far as the saga could know when it asked for this."""
    if facts.calls[call][0].number > since.number or not facts.may_stand(call):
        return False
    answered = [r for r in facts.undos(call) if r.answer == "value" and (r.answered or 0) <= since.sent]
    return not answered and "undone" not in facts.looked_up(call)


def _rivals_are_left_alone(facts: Facts) -> Broken | None:
    if (found := platform.overwritten(facts)) is None:
        return None
    instant, how = found
    why = "Take away only what your own key put there; what others brought meanwhile is theirs."
    return Broken("what another deployment brought is left alone", how, instant.number, why=why)


def _tested_first(facts: Facts) -> Broken | None:
    for request in facts.requests:
        if request.operation != DEPLOY or request.about != "production" or len(request.args) != 3:
            continue
        image = request.args[2]
        passed = [
            r.args[1]
            for r in facts.requests
            if r.operation == TEST and r.answer == "value" and (r.answered or 0) <= request.sent
            if isinstance(r.value, dict) and r.value.get("passed")
        ]
        if image not in passed:
            tested = (
                f"what passed is {' and '.join(passed)}" if passed else "no report had said that it passes"
            )
            return Broken(
                "production gets only an image whose tests have passed",
                f"{image} went to production, and {tested}",
                request.number,
            )
    return None


def _hotfix(scenario: Scenario, world: type[World]) -> bool:
    return any(fault.name == platform.RIVAL for fault in scenario.faults)


RULES = Rules(
    number=4,
    title="Deployment",
    statuses=STATUSES,
    ordinary=ORDINARY,
    rows=ROWS,
    shows=shows,
    ids={},
    tells={
        DEPLOY: lambda environment, version, image: f"{environment} {version}",
        TEST: lambda environment, image: f"{environment} {image}",
        SWITCH: lambda version: version,
        LOG: lambda deployment, stage, text: stage,
    },
    clean=("failed", "tests_failed"),
    aside=frozenset({LOG}),
    repeatable=frozenset({TEST}),
    onward=frozenset({f"{ROLL_BACK}[staging]"}),
    invariants=(
        Invariant(
            "E4-S1",
            "DNS points at something that runs, at every instant",
            "Whoever follows DNS to what does not run gets an error page: switch last, revert first.",
            5,
            _traffic_arrives,
            unended=True,
        ),
        Invariant(
            "E4-S2",
            "deployed if staging and production run the new version and DNS points to it, else not",
            "Deployed is what the next person builds on.",
            4,
            _all_of_it,
        ),
        Invariant(
            "E4-S3",
            "unless deployed, nothing of this deployment runs, and DNS is as before",
            "What is left behind is found by whoever deploys next.",
            4,
            _nothing_of_it,
        ),
        Invariant(
            "E4-S4",
            "undone are DNS, production, staging, in this order",
            "DNS points to production: it goes back first, and production stays until that is known.",
            5,
            _order_of_undo,
            given_up,
            unended=True,
        ),
        Invariant(
            "E4-S5",
            "each stage leaves a log before the next begins, and none is lost",
            "A log is wanted most for what went wrong. One that cannot be saved goes into a letter.",
            4,
            logs_are_kept,
        ),
        Invariant(
            "E4-S6",
            "what another deployment brought is left alone",
            "Others deploy, too. A snapshot that is written back wipes out what they did meanwhile.",
            4,
            _rivals_are_left_alone,
            _hotfix,
            unended=True,
        ),
        Invariant(
            "E4-S7",
            "production gets only an image whose tests have passed",
            "What was tested and what is shipped must be one image; a tag that moves is no image.",
            5,
            _tested_first,
            unended=True,
        ),
        Invariant(
            "E4-S8",
            "a fault on logs changes neither the status nor a roll-back",
            "Save what you can, but roll back: a log is not worth a version that nobody wants running.",
            5,
            logs_change_nothing,
            only(LOG),
            unended=True,
        ),
        *COMMON,
    ),
)
