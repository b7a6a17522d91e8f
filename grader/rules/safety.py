"""The promises of safety that every saga keeps, whatever it is about: what must never happen."""

from __future__ import annotations

from itertools import pairwise

from grader.rules import Broken, Invariant
from grader.rules.facts import MANUAL, Call, Facts
from grader.rules.scenarios import again, crash, endless, given_up, refusal
from grader.rules.words import duration_in_words
from saga_lab import events as e
from saga_lab.sim import Request

MOST_REQUESTS = 12


def _one_effect(facts: Facts) -> Broken | None:
    done: dict[tuple[str, str, str], Request] = {}
    for request in facts.requests:
        for _, effect in request.effects:
            if effect != "done":
                continue
            again = request.key if _may_be_anew(facts, request) else ""
            first = done.setdefault((request.operation, str(request.args), again), request)
            if first.key != request.key:
                return _done_again(first, request, f"under {first.key}, and again under {request.key}")
            if first is not request or [x for _, x in request.effects].count("done") > 1:
                return _done_again(first, request, f"twice under {request.key}")
    return None


def _may_be_anew(facts: Facts, request: Request) -> bool:
    """Under another key: what was undone before, or, as a step of its own, what changes nothing."""
    if request.operation in facts.rules.repeatable:
        return any(
            isinstance(event, e.StepBegun) and event.key == request.key for event in facts.trace.journal
        )
    return request.operation in facts.rules.renewed


def _done_again(first: Request, second: Request, how: str) -> Broken:
    if first.key == second.key:
        why = ""
    elif first.incarnation != second.incarnation:
        why = "After the restart you were a different saga. Derive keys from the request."
    else:
        why = (
            "A time-out is not a no, and under another key the service saw a second order. Make the key "
            "once, outside the retry, and keep it over restarts."
        )
    expected = "each step takes effect once, however often it is tried"
    return Broken(expected, f"{second.operation} took effect {how}", second.number, why=why)


def _nothing_after_the_end(facts: Facts) -> Broken | None:
    ended = facts.trace.ended
    for request in facts.requests:
        if ended is None:
            break
        if request.sent > ended:
            observed = f"{request.operation} was asked for after the saga had returned"
            return Broken("nothing is asked for after the result", observed, request.number)
        for at, effect in request.effects:
            if effect != "done" or at <= ended or request.operation not in facts.undo_of:
                continue
            undone = facts.undos((request.operation, request.key))
            if undone and request.operation in facts.rules.expiring:
                continue
            if request.key not in facts.named and not any(r.effects for r in undone):
                late = duration_in_words(at - ended)
                return Broken(
                    "nothing happens any more after the result",
                    f"{request.operation} took effect {late} after the saga had returned {facts.status}",
                    request.number,
                    facts.undo_of[request.operation] if not undone else "",
                )
    return None


def _no_undo_behind_the_pivot(facts: Facts) -> Broken | None:
    if facts.first_undo is None:
        return None
    standing: dict[str, str] = {}
    for _, request in facts.effects("done", "undone"):
        operation = facts.operations[request.operation]
        if operation.role == "action" and operation.kind == "pivot":
            standing[request.key] = operation.name
        elif operation.role == "undo" and facts.operations[operation.of].kind == "pivot":
            standing.pop(request.key, None)
        elif operation.role == "undo" and standing and not _onward(facts, request):
            pivot = next(iter(standing.values()))
            observed = f"{operation.name} took effect while {pivot} stood"
            return Broken(f"nothing is undone while {pivot} stands", observed, request.number)
    return None


def _onward(facts: Facts, undo: Request) -> bool:
    return not facts.rules.onward.isdisjoint((undo.operation, f"{undo.operation}[{undo.about}]"))


def _no_action_after_undoing(facts: Facts) -> Broken | None:
    """An undo that only makes room for the same thing anew does not count."""
    first = next((r for r in facts.requests if r.role == "undo" and not _makes_room(facts, r)), None)
    if first is None:
        return None
    for call in facts.actions:
        began = facts.calls[call][0]
        if began.sent > first.sent and began.operation not in facts.rules.renewed:
            observed = f"first {first.operation}, and then {began.operation}"
            return Broken("once undoing has begun, nothing new is begun", observed, began.number)
    return None


def _makes_room(facts: Facts, undo: Request) -> bool:
    action = facts.operations[undo.operation].of
    return action in facts.rules.renewed and any(
        r.operation == action and r.key != undo.key and r.sent > undo.sent for r in facts.requests
    )


def _same_result_again(facts: Facts) -> Broken | None:
    trace = facts.trace
    if facts.scenario.again_other and trace.ended is not None and not trace.conflict.startswith("Conflict"):
        observed = trace.conflict or "it was taken"
        return Broken("another request under the same id is a Conflict", observed)
    first = trace.error if trace.result is None else trace.result
    if trace.again is None or trace.again == first:
        return None
    observed = f"first {first}, then {trace.again}"
    return Broken("the same request again gets the same result", observed)


def _no_call_again(facts: Facts) -> Broken | None:
    if facts.trace.again is None or facts.trace.ended is None:
        return None
    called = next((r for r in facts.requests if r.sent > facts.trace.ended), None)
    if called is None:
        return None
    return Broken("a finished saga calls nobody", f"asked again, it called {called.operation}", called.number)


def _no_second_no(facts: Facts) -> Broken | None:
    """Under the same key; and under another one too, where the action is one that can be undone."""
    for told in facts.refused:
        again = [
            r
            for r in facts.requests
            if r.operation == told.operation
            and r.sent >= (told.answered or 0)
            and (r.key == told.key or (told.operation in facts.undo_of and r.args == told.args))
        ]
        if again:
            times = "once more" if len(again) == 1 else f"{len(again)} times more"
            return Broken(
                "a refusal is an answer: it is not asked for again",
                f"{told.operation} said no ({told.reason}), and was asked {times}",
                again[0].number,
            )
    return None


def _bounded(facts: Facts) -> Broken | None:
    """In each life: what a crash made it forget is asked again. What a cancel cut off does not count."""
    lives: dict[tuple[Call, int], list[Request]] = {}
    for call, asked in facts.calls.items():
        for request in asked:
            if request.fault != "cancel":
                lives.setdefault((call, request.incarnation), []).append(request)
    for requests in lives.values():
        if len(requests) > MOST_REQUESTS:
            first = requests[0]
            return Broken(
                f"at most {MOST_REQUESTS} requests per operation and key",
                f"{first.operation} was asked {len(requests)} times under {first.key}",
                requests[MOST_REQUESTS].number,
                why=f"Still asking after {facts.since(requests)}, and nobody will ever know. Stop after the "
                "budget, and park it.",
            )
    return None


def _undone_newest_first(facts: Facts) -> Broken | None:
    """Not asked behind a pivot that is known to be done, nor of what has ended by itself."""
    if facts.pivot_known:
        return None
    standing = [call for call in facts.actions if facts.may_stand(call)]
    named = facts.named if facts.status == MANUAL else {letter.key for letter in facts.letters}
    for call in reversed(standing):
        if not facts.undos(call) and call[1] not in named and not facts.rules.kept(facts, call):
            return _never_undone(facts, call)
    undone = [(facts.calls[call][0], facts.undos(call)[0]) for call in standing if _has_an_order(facts, call)]
    for (older, undo_older), (newer, undo_newer) in pairwise(undone):
        if older.sent < newer.sent and undo_older.sent < undo_newer.sent:
            return Broken(
                "what was done last is undone first",
                f"{undo_older.operation} ran before {undo_newer.operation}",
                undo_older.number,
                why="Later effects build on earlier ones, so undo newest first.",
            )
    return None


def _has_an_order(facts: Facts, call: Call) -> bool:
    """Undone, and neither begun anew, nor left to end by itself, nor over by then."""
    undos = facts.undos(call)
    if call[0] in facts.rules.expiring and not any(r.answer == "value" for r in undos):
        return False
    return bool(undos) and not facts.ended(call, undos[0].sent) and not facts.anew(call[0])


def _never_undone(facts: Facts, call: Call) -> Broken:
    operation, key = call
    undo, requests = facts.undo_of[operation], facts.calls[call]
    answered = any(r.answer == "value" for r in requests)
    expected = "an undo is tried for every step that may have happened, or a dead letter names it"
    elsewhere = next(
        (r for r in facts.requests if r.operation == undo and (operation, r.key) not in facts.calls), None
    )
    if elsewhere is not None:
        return Broken(
            expected,
            f"{undo} was asked under {elsewhere.key}, but {operation} was called under {key}",
            elsewhere.number,
            why="An undo finds its action by the key alone. Give it the key of the action: saga.key(...).",
        )
    undos = [asked for asked in facts.calls.values() if asked[0].role == "undo"]
    if any(all(r.answer != "value" for r in asked) for asked in undos):
        why = (
            "One undo failed and others were never tried. Retry, or go on with the rest and report it; do "
            "not drop them."
        )
    elif not answered:
        why = (
            "The call failed for you, but the service may have done it. What may have happened needs an "
            "undo, registered before the call, under a key you know without an answer."
        )
    else:
        why = "Undo all earlier steps, not only the previous one: each is still done until you take it back."
    happened = "was done" if answered else "got no answer, so it may have happened"
    return Broken(
        expected, f"{operation} {happened}, and {undo} was never asked", requests[-1].number, undo, why
    )


def same_run(facts: Facts) -> Broken | None:
    """After a restart, the saga takes the way that its journal tells."""
    if facts.trace.result is not None:
        return None
    for event in facts.trace.journal:
        if isinstance(event, e.Stuck) and event.why == "not deterministic":
            return Broken("after a restart the saga takes the same way", event.reason)
    return None


S_1 = Invariant(
    "S-1",
    "each step takes effect at most once",
    "A repeat must carry the key of the first attempt, or the service takes it for a second order.",
    3,
    _one_effect,
    unended=True,
)
S_2 = Invariant(
    "S-2",
    "after the result nothing happens any more",
    "A request may still be on its way when you give up. Only an undo under its key stops it for good.",
    4,
    _nothing_after_the_end,
)
S_3 = Invariant(
    "S-3",
    "nothing is undone behind a pivot that stands",
    "Past the point of no return a saga goes forward: taking back what the pivot rests on breaks it.",
    5,
    _no_undo_behind_the_pivot,
    given_up,
)
S_4 = Invariant(
    "S-4",
    "after the first undo nothing new is begun",
    "Once undoing, only undo. Whatever goes forward again builds on what is being taken away.",
    4,
    _no_action_after_undoing,
    given_up,
)
S_5 = Invariant(
    "S-5",
    "the same request again gets the same result",
    "Clients repeat what they got no answer to.",
    3,
    _same_result_again,
    again,
    points=0,
)
S_6 = Invariant(
    "S-6",
    "a finished saga calls nobody",
    "What is recorded is answered from the journal.",
    6,
    _no_call_again,
    again,
    points=0,
)
S_7 = Invariant(
    "S-7",
    "a refusal is not asked for again",
    "The answer will not change by asking again: the service keeps its no. Take it as final.",
    3,
    _no_second_no,
    refusal,
    unended=True,
)
S_8 = Invariant(
    "S-8",
    f"at most {MOST_REQUESTS} requests per operation and key",
    "Without a budget a saga hammers a sick service, and nobody is told.",
    3,
    _bounded,
    endless,
    unended=True,
)
S_9 = Invariant(
    "S-9",
    "whatever may have happened is undone, newest first",
    "A lost reply is not a no. Undo what may have happened; an undo never needs to know whether it did.",
    4,
    _undone_newest_first,
    given_up,
)
S_10 = Invariant(
    "S-10",
    "the same scenario gives the same run",
    "Replay answers from the journal. Take times and random numbers from saga.now() and saga.random(), and "
    "keep nothing in globals.",
    6,
    same_run,
    crash,
    unended=True,
)
