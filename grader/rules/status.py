"""The status is true: it is right in this scenario, and the world shows what it promises."""

from __future__ import annotations

from grader.rules import AS_WITHOUT, Broken, Invariant, Row
from grader.rules.aside import only
from grader.rules.facts import MANUAL, Call, Facts, Struck

GIVEN_UP = "given up"


def allowed(facts: Facts) -> set[str]:
    """The statuses that are right in this scenario, as the exercise's fault table lists them.

    A row about an action says all that is right, a row about an undo or a look-up adds to that. So does
    what holds for all exercises: a clean undo when a fault never ends, a person's help when the pivot, an
    undo or a look-up never answers. A cancel in time means a clean undo.
    """
    rights, wrong = {facts.ordinary}, set[str]()
    for struck in facts.struck:
        operation = facts.operations[struck.operation]
        row = next((row for row in facts.rules.rows if _fits(row, struck)), None)
        if row is not None:
            told = {facts.ordinary if x == AS_WITHOUT else x for x in row.statuses}
            rights.update(told)
            if operation.role in ("action", "read") and facts.ordinary not in told:
                wrong.add(facts.ordinary)
        quiet = operation.role in ("undo", "look-up") or (operation.role == "read" and row is None)
        if struck.endless and (quiet or operation.kind in ("compensable", "pivot")):
            rights.update(facts.rules.clean)
        no = struck.word == "refuse" and operation.role == "undo"
        if no or (struck.endless and (quiet or operation.kind == "pivot")):
            rights.add(MANUAL)
    if facts.cancelled is not None:
        rights.update(facts.rules.clean)
        late = any(facts.calls[call][0].sent <= facts.cancelled for call in facts.pivots)
        if not late:
            wrong.add(facts.rules.success)
    return facts.rules.decides(facts, rights - wrong) or {facts.ordinary}


def _fits(row: Row, struck: Struck) -> bool:
    if row.operation not in (struck.operation, f"{struck.operation}[{struck.thing}]"):
        return False
    return struck.word in row.faults or (struck.endless and GIVEN_UP in row.faults)


def _true_status(facts: Facts) -> Broken | None:
    return _right_status(facts) or _slip(facts)


def _right_status(facts: Facts) -> Broken | None:
    """Right in this scenario, and shown by the world. Faults that pass are L-4's."""
    rules, status = facts.rules, facts.status
    if facts.trace.result is not None and status not in rules.statuses:
        return _no_status(facts)
    if not status:
        return None
    rights = allowed(facts)
    if status == MANUAL:
        return _true_manual(facts, rights)
    set_aside = any(only(operation)(facts.scenario, facts.world) for operation in rules.aside)
    if status not in rights and not facts.finite and not set_aside:
        return _wrong_status(facts, rights)
    unsure = next((call for call in facts.unsure if not _letter_is_enough(facts, call)), None)
    if status != rules.success and unsure is not None:
        undo, key = facts.undo_of[unsure[0]], unsure[1]
        observed = f"{status}, but {undo} of {key} never got an answer"
        expected = f"{status} only when all is known to be undone, else {MANUAL}"
        return Broken(expected, observed, facts.last(undo))
    return _known_success(facts) or _world_shows(facts) or _true_ids(facts)


def _slip(facts: Facts) -> Broken | None:
    """A call that no service can take is the saga's own, whether it heard so or not."""
    for request in facts.requests if facts.status else ():
        takes, given = len(facts.operations[request.operation].takes), len(request.args)
        if takes == given and request.code != "bad_argument":
            continue
        expected, why = "every call is one that the service can take", "No fault did this: the call did."
        observed = f"{request.operation} takes {takes} arguments after the key, and got {given}"
        return Broken(expected, request.reason if takes == given else observed, request.number, why=why)
    return None


def _letter_is_enough(facts: Facts, call: Call) -> bool:
    """The exercise lets the status be when this undo is stuck, and a dead letter names it."""
    undo = facts.undo_of[call[0]]
    rows = [row for row in facts.rules.rows if row.operation == undo and AS_WITHOUT in row.statuses]
    return bool(rows) and call[1] in facts.named


def _no_status(facts: Facts) -> Broken:
    result, words = facts.trace.result, ", ".join(facts.rules.statuses)
    if isinstance(result, dict) and "wrong_type" in result:
        hint = " (is a `return` missing?)" if result["wrong_type"] == "None" else ""
        kind = facts.world.result_type.__name__
        article = "an" if kind[0] in "AEIOU" else "a"
        observed = f"it returned {result['wrong_type']}{hint}"
        return Broken(f"the saga returns {article} {kind} with a status: {words}", observed)
    status = result.get("status") if isinstance(result, dict) else result
    return Broken(f"a status that this exercise knows: {words}", f"the status {status!r}")


def _wrong_status(facts: Facts, rights: set[str]) -> Broken:
    """Told by the row that says so; else by the no that the saga took for its end."""
    status, right = facts.status, _or(rights)
    rows = [(row, x) for x in facts.struck for row in facts.rules.rows if _fits(row, x)]
    row, struck = next(((row, x) for row, x in rows if status not in row.statuses), (None, None))
    if row is not None and struck is not None and struck.word != "refuse":
        observed = f"{status}, although {struck.operation} never got through"
        return Broken(f"{right}: {row.world}", observed, facts.last(struck.operation))
    aside = facts.rules.aside
    refused = next((request for request in facts.refused if request.operation not in aside), None)
    if refused is None:
        when = "though a deadline had passed" if facts.late and facts.scenario.faults else ""
        return Broken(right, f"{status}, {when or f'for {facts.world.cases[facts.trace.case].says}'}")
    if status != facts.rules.success:
        observed = f"{status}, since {refused.operation} said no: {refused.reason}"
        return Broken(right, observed, refused.number)
    observed = f"{status}, although {refused.operation} said no: {refused.reason}"
    why = "A step was refused, yet you went on as if it had worked."
    return Broken(right, observed, refused.number, why=why)


def _true_manual(facts: Facts, rights: set[str]) -> Broken | None:
    """Only where something never gets an answer, and never without a whole letter."""
    if MANUAL not in rights:
        observed = f"{MANUAL}, although everything could still be undone or found out"
        return Broken(_or(rights), observed)
    if not any(x.key and x.step and x.attempts and x.reason for x in facts.letters):
        expected = "a dead letter with step, key, attempts and what a person must do"
        return Broken(expected, "no dead letter says all of it")
    return None


def _known_success(facts: Facts) -> Broken | None:
    """Success is no guess: every step was answered, or found by a look-up."""
    if facts.status != facts.rules.success:
        return None
    for call in dict.fromkeys([*facts.actions, *facts.pivots]):
        undone = call[0] in facts.undo_of and facts.undos(call)
        if call[0] in facts.rules.expiring or undone or not facts.may_stand(call):
            continue
        requests = facts.calls[call]
        if not any(r.answer == "value" for r in requests) and "done" not in facts.looked_up(call):
            return Broken(
                f"{facts.status} only when every step is known to be done",
                f"{facts.status}, but {call[0]} of {call[1]} never got an answer",
                requests[-1].number,
                why="No answer is neither yes nor no. Look up what became of it, or undo it.",
            )
    return None


def _world_shows(facts: Facts) -> Broken | None:
    """The world is as the status says, one way and the other."""
    wrong = [x for x in facts.rules.shows(facts) if x.found != x.right]
    if not wrong:
        return None
    status = facts.status
    why = "Your status says that everything was undone. The world says otherwise."
    told = "; ".join(f"{x.what} {x.found}, not {x.right}" for x in wrong)
    return Broken(
        f"{status}: {facts.rules.statuses[status]}",
        f"{status}, but {told}",
        why=why if status in facts.rules.clean else "",
    )


def _true_ids(facts: Facts) -> Broken | None:
    """A success names what the services gave; any other result names nothing."""
    status, rules = facts.status, facts.rules
    if facts.trace.result is None:
        return None
    given = {name: facts.trace.result.get(name) or "" for name in rules.ids}
    if status != rules.success:
        named = next((name for name in given if given[name]), None)
        if named is None:
            return None
        return Broken(f"a {status} result has no ids", f"{status}, with {named} {given[named]!r}")
    for name, operation in rules.ids.items():
        told = [r.value for r in facts.requests if r.operation == operation and r.answer == "value"]
        told += [
            r.value.get("value")
            for r in facts.requests
            if r.role == "look-up" and isinstance(r.value, dict) and r.answer == "value"
        ]
        told += [value["id"] for value in told if isinstance(value, dict) and "id" in value]
        if given[name] not in told or not given[name]:
            expected = f"{status} names what the services gave: {name} comes from {operation}"
            return Broken(expected, f"{name} is {given[name]!r}", facts.last(operation))
    return None


def _or(statuses: set[str]) -> str:
    return " or ".join(sorted(statuses))


S_0 = Invariant(
    "S-0",
    "the status is true",
    "A status is a promise about the world. Whoever reads it acts on it, and looks no further.",
    4,
    _true_status,
    unended=True,
)
