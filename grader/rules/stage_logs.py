"""The stages of a deployment, and the log that each leaves however it ends."""

from __future__ import annotations

from grader.rules import Broken
from grader.rules.aside import changes_nothing
from grader.rules.facts import Facts
from saga_lab.sim import Request

DEPLOY, SWITCH = "environments.deploy", "dns.switch"
TEST, LOG = "tests.run", "logs.save"


def logs_are_kept(facts: Facts) -> Broken | None:
    """Each stage leaves a log before the next begins; it is there at the end, or a letter has its text."""
    begun = stages(facts)
    names = list(begun)
    if facts.cancelled is not None:
        names = names[:-1]  # whoever cancels cuts a stage off
    nexts = [*list(begun.values())[1:], None]
    for name, following in zip(names, nexts, strict=False):
        asked = [r for r in facts.requests if r.operation == LOG and _tells(facts, r, name)]
        early = [r for r in asked if following is None or r.number < following.number]
        if not early:
            expected = "each stage leaves a log before the next begins, however it ends"
            if asked:
                observed = f"the log of {name} came only after the next stage had begun"
                return Broken(expected, observed, asked[0].number)
            return Broken(expected, f"nobody asked for a log of the stage {name}", missing=LOG)
        if not any(_kept(facts, r) for r in asked):
            return Broken(
                "a log that cannot be saved is not lost: a dead letter carries its text",
                f"the log of {name} was not saved, and no dead letter says {asked[-1].args[2]!r}",
                asked[-1].number,
            )
    return _no_log_is_deleted(facts)


def _tells(facts: Facts, request: Request, stage: str) -> bool:
    return request.args[:2] == (facts.request.deployment_id, stage) and len(request.args) == 3


def _kept(facts: Facts, request: Request) -> bool:
    saved = any(log["key"] == request.key for log in facts.final["logs"])
    return saved or any(str(request.args[2]) in letter.reason for letter in facts.letters)


def _no_log_is_deleted(facts: Facts) -> Broken | None:
    for instant in facts.trace.instants:
        if any(log not in facts.final["logs"] for log in instant.ledgers["logs"]):
            return Broken("nothing deletes logs", "a log that was saved is gone", instant.number)
    return None


def logs_change_nothing(facts: Facts) -> Broken | None:
    """Neither the status, nor a roll-back: nobody stops taking back because a log could not be saved."""
    if broken := changes_nothing(LOG)(facts):
        return broken
    failed = any(x.operation == LOG and (x.endless or x.word == "refuse") for x in facts.struck)
    end = facts.requests[-1] if failed else None
    if end is None or end.operation != LOG or end.answer == "value" or facts.cancelled:
        return None
    left = [call for call in facts.actions if facts.may_stand(call) and not facts.undos(call)]
    if facts.status == "deployed" or not left or facts.pivot_known:
        return None
    return Broken(
        "a fault on logs stops no roll-back",
        f"the log could not be saved, and {facts.undo_of[left[-1][0]]} of {left[-1][1]} was never asked",
        end.number,
    )


def stages(facts: Facts) -> dict[str, Request]:
    """The first request of each stage that was attempted, in the order in which they began."""
    found: dict[str, Request] = {}
    for request in facts.requests:
        name = {DEPLOY: request.about, TEST: "tests", SWITCH: "dns"}.get(request.operation)
        if name:
            found.setdefault(name, request)
    return found
