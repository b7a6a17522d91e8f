"""What is not critical, as mail and logs: its failure changes nothing else, and is not forgotten."""

from __future__ import annotations

from grader.rules import Broken, Check, TriedBy
from grader.rules.facts import Facts
from saga_lab.sim import Fault, Scenario
from saga_lab.worlds.world import World


def only(operation: str) -> TriedBy:
    """The scenarios in which this fails; whatever else goes wrong passes by itself."""

    def tried(scenario: Scenario, world: type[World]) -> bool:
        def passes(fault: Fault) -> bool:
            return not (fault.endless or fault.kind in ("refuse", "then", "cancel"))

        struck = [x for x in scenario.faults if x.site.operation == operation and x.kind != "cancel"]
        return bool(struck) and all(passes(fault) for fault in scenario.faults if fault not in struck)

    return tried


def changes_nothing(operation: str) -> Check:
    """A fault on this operation changes no status."""
    service, tried = operation.partition(".")[0], only(operation)

    def check(facts: Facts) -> Broken | None:
        if facts.status == facts.ordinary or facts.last(operation) is None:
            return None
        if not tried(facts.scenario, facts.world):
            return None
        observed = f"{facts.status}: a {service} server outage undid what was done"
        return Broken(f"{service} or no {service}: {facts.ordinary}", observed, facts.last(operation))

    return check


def tried_or_parked(operation: str, *statuses: str) -> Check:
    """After these statuses it was asked for, again when there was no answer, and parked when given up."""
    service = operation.partition(".")[0]

    def check(facts: Facts) -> Broken | None:
        if facts.status not in statuses:
            return None
        asked = [request for request in facts.requests if request.operation == operation]
        if not asked:
            return Broken(f"{service} is sent", f"{operation} was never asked for", missing=operation)
        if any(request.answer == "value" for request in asked):
            return None
        slip = next((request for request in asked if request.code == "bad_argument"), None)
        if slip is not None:
            return Broken(
                f"{service} is sent", slip.reason, slip.number, why="No fault did this: the call did."
            )
        cut_off = facts.cancelled is not None  # a letter about that has no failure to take the key from
        if len(asked) == 1 and asked[0].answer != "refused" and not cut_off:
            expected = f"{service} is tried again before it is given up"
            return Broken(expected, "it was tried once, and then no more", asked[0].number)
        if not any(cut_off or letter.key == asked[-1].key for letter in facts.letters):
            observed = f"{len(asked)} tries failed, and no dead letter names {asked[-1].key}"
            return Broken(f"{service} that could not be sent is parked", observed, asked[-1].number)
        return None

    return check
