"""The promises that every saga keeps, whatever it is about (S: safety, L: liveness)."""

from __future__ import annotations

from itertools import pairwise

from grader.rules import Broken, Invariant
from grader.rules.facts import MANUAL, Facts
from saga_lab import events as e

MOST_REQUESTS = 12


def _one_effect(facts: Facts) -> Broken | None:
    done: dict[tuple[str, str], str] = {}
    for _, request in facts.effects("done"):
        first = done.setdefault((request.operation, str(request.args)), request.key)
        if first != request.key:
            return Broken(
                "each step happens once, however often it is tried",
                f"{request.operation} was done under {first} and again under {request.key}",
                request.number,
            )
    return None


def _nothing_after_the_end(facts: Facts) -> Broken | None:
    ended = facts.trace.ended
    if ended is None:
        return None
    for request in facts.trace.requests:
        if request.sent > ended:
            return Broken("nothing is asked for after the result", f"{request.operation} was", request.number)
    for at, request in facts.effects("done"):
        if at > ended and request.operation in facts.undo_of and request.key not in facts.named:
            return Broken(
                "nothing happens after the result",
                f"{request.operation} landed {(at - ended) / 1000:g} s after the saga returned {facts.status}",
                request.number,
                facts.undo_of[request.operation] if not facts.undos((request.operation, request.key)) else "",
            )
    return None


def _no_undo_behind_the_pivot(facts: Facts) -> Broken | None:
    standing: set[str] = set()
    for _, request in facts.effects("done", "undone"):
        operation = facts.operations[request.operation]
        if operation.kind == "pivot" and operation.role == "action":
            standing.add(request.key)
        elif operation.role == "undo" and facts.operations[operation.of].kind == "pivot":
            standing.discard(request.key)
        elif operation.role == "undo" and standing:
            return Broken(
                "while the pivot stands, nothing before it is undone",
                f"{operation.name} took back what {sorted(standing)[0]} rests on",
                request.number,
            )
    return None


def _no_action_after_undoing(facts: Facts) -> Broken | None:
    first = next((r for r in facts.trace.requests if r.role == "undo"), None)
    if first is None:
        return None
    for call in facts.actions:
        began = facts.calls[call][0]
        if began.sent > first.sent:
            return Broken(
                "once undoing has begun, nothing new is begun",
                f"{first.operation} ran, and then {began.operation}",
                began.number,
            )
    return None


def _same_again(facts: Facts) -> Broken | None:
    trace = facts.trace
    if not facts.scenario.again or trace.again == trace.result:
        return None
    return Broken("the same request again gives the same result", f"first {trace.result}, then {trace.again}")


def _no_second_no(facts: Facts) -> Broken | None:
    for requests in facts.calls.values():
        told = next((r for r in requests if r.answer == "refused"), None)
        if told is None or told.answered is None:
            continue
        again = next((r for r in requests if r.sent >= told.answered), None)
        if again is not None:
            count = sum(r.sent >= told.answered for r in requests)
            return Broken(
                "a refusal is an answer: it is not asked for again",
                f"{told.operation} said no, and was asked {count} more times under the same key",
                again.number,
            )
    return None


def _bounded(facts: Facts) -> Broken | None:
    for requests in facts.calls.values():
        if len(requests) > MOST_REQUESTS:
            return Broken(
                f"at most {MOST_REQUESTS} requests per operation and key",
                f"{requests[0].operation} was asked {len(requests)} times under {requests[0].key}",
                requests[MOST_REQUESTS].number,
            )
    return None


def _undone_newest_first(facts: Facts) -> Broken | None:
    """Not asked when the saga completed, nor behind a pivot that is known to be done."""
    if facts.status == "completed" or facts.pivot_known:
        return None
    for call in facts.actions:
        if facts.may_stand(call) and not facts.undos(call) and call[1] not in facts.named:
            operation, undo = call[0], facts.undo_of[call[0]]
            answered = any(r.answer == "value" for r in facts.calls[call])
            happened = "was done" if answered else "got no answer, so it may have happened"
            return Broken(
                "an undo is tried for every step that may have happened, or a dead letter names it",
                f"{operation} {happened}, and {undo} was never asked",
                facts.calls[call][-1].number,
                undo,
            )
    begun = [(facts.calls[call][0], facts.undos(call)[0]) for call in facts.actions if facts.undos(call)]
    for (older, undo_older), (newer, undo_newer) in pairwise(begun):
        if undo_older.sent < undo_newer.sent and older.sent < newer.sent:
            return Broken(
                "what was done last is undone first",
                f"{undo_older.operation} ran before {undo_newer.operation}",
                undo_older.number,
            )
    return None


def _same_run(facts: Facts) -> Broken | None:
    stuck = next((x for x in facts.trace.journal if isinstance(x, e.Stuck)), None)
    if stuck is None or stuck.why != "not deterministic":
        return None
    return Broken("after a restart the saga takes the same way", stuck.reason)


def _ends(facts: Facts) -> Broken | None:
    trace = facts.trace
    if trace.stopped:
        last = trace.requests[-1].number if trace.requests else None
        return Broken("the saga ends, with a status", f"{trace.stopped}; it was stopped", last)
    if trace.error:
        return Broken("the saga returns a status; no exception leaves it", f"{trace.error} left the function")
    return None


def _stuck_is_parked(facts: Facts) -> Broken | None:
    for call in facts.actions:
        undos = facts.undos(call)
        failed = undos and not any(r.answer == "value" for r in undos)
        if failed and facts.may_stand(call) and call[1] not in facts.named:
            return Broken(
                "what could not be undone has a dead letter",
                f"{undos[0].operation} never succeeded, and no dead letter names {call[1]}",
                undos[-1].number,
            )
    if facts.status == MANUAL and not facts.letters:
        return Broken("whoever asks for a person leaves a dead letter", "there is none")
    return None


def _as_without_faults(facts: Facts) -> Broken | None:
    if not facts.only_finite or facts.status == "completed":
        return None
    hit = next((r for r in facts.trace.requests if r.fault), None)
    return Broken(
        "a fault that passes does not change the result: completed",
        f"{facts.status or 'no status'}, although the next attempt would have gone through",
        hit.number if hit else None,
    )


S_1 = Invariant(
    "S-1",
    "at most one effect per step",
    "A repeat must carry the key of the first attempt, or the service takes it for a second order.",
    _one_effect,
)
S_2 = Invariant(
    "S-2",
    "after the result nothing happens any more",
    "A request may still be on its way when you give up. Only an undo under its key stops it for good.",
    _nothing_after_the_end,
)
S_3 = Invariant(
    "S-3",
    "nothing is undone behind a pivot that stands",
    "Past the point of no return a saga goes forward; taking back what it rests on breaks what it did.",
    _no_undo_behind_the_pivot,
)
S_4 = Invariant(
    "S-4",
    "after the first undo nothing new is begun",
    "Once a saga turns round it only undoes. Forward again would build on what is gone.",
    _no_action_after_undoing,
)
S_5 = Invariant(
    "S-5", "the same request gives the same result", "Clients repeat what they got no answer to.", _same_again
)
S_7 = Invariant(
    "S-7",
    "a refusal is not asked for again",
    "The service keeps its no under the key. Mark it final and go on to undo.",
    _no_second_no,
)
S_8 = Invariant(
    "S-8",
    f"at most {MOST_REQUESTS} requests per operation and key",
    "Without a budget a saga hammers a sick service and nobody is told. Stop after it, and park.",
    _bounded,
)
S_9 = Invariant(
    "S-9",
    "whatever may have happened is undone, newest first",
    "A lost reply is not a no. Undo it by its key: an undo never needs to know whether it happened.",
    _undone_newest_first,
)
S_10 = Invariant(
    "S-10",
    "the same scenario gives the same run",
    "Replay answers from the journal. Times, random numbers and globals must come from the saga's verbs.",
    _same_run,
)
L_1 = Invariant(
    "L-1",
    "the saga ends with a status, and no exception leaves it",
    "Somebody waits for the answer. A status says what is true; an exception says nothing.",
    _ends,
)
L_2 = Invariant(
    "L-2",
    "what is stuck has a dead letter with its key",
    "A person can only finish what somebody wrote down.",
    _stuck_is_parked,
)
L_4 = Invariant(
    "L-4",
    "a fault that passes changes nothing",
    "One network blip is no reason to cancel a good order. Try again first, undo last.",
    _as_without_faults,
)
