"""The gradebook keeps what it took: every attempt, one grader for each, and nothing of who is forgotten."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

from grader.gradebook import Attempt, Deadline, Gradebook, GradebookError, Unknown
from tests.gradebook.conftest import Shelf, graded, passed

# ---- learners


def test_a_learner_is_enrolled_once_and_may_change_the_name(shelf: Shelf, book: Gradebook) -> None:
    shelf.now += 1
    assert [(x.id, x.name, x.joined) for x in book.learners()] == [
        ("ada", "Ada L.", 1e6),
        ("bert", "bert", 1e6),
    ]
    assert book.enrol("ada").name == "Ada L."
    assert book.enrol("ada", "Ada Lovelace").joined == 1e6
    assert book.learners()[0].name == "Ada Lovelace"


def test_a_token_tells_whose_it_is_until_another_is_issued(shelf: Shelf, book: Gradebook) -> None:
    first = book.issue("ada")
    found = shelf.open().who(first)
    assert found is not None and found.id == "ada"
    second = book.issue("ada")
    assert book.who(first) is None and book.who("") is None
    assert book.who(second) == found


def test_a_token_is_kept_as_a_hash_alone(sqlite: Shelf, tmp_path: Path) -> None:
    book = sqlite.open()
    book.enrol("ada")
    token = book.issue("ada").encode()
    book.close()
    assert not any(token in path.read_bytes() for path in tmp_path.iterdir())


# ---- handing in


def test_what_was_handed_in_is_there_for_every_process(shelf: Shelf, book: Gradebook) -> None:
    source = b"async def order_saga(saga, request, services): ...\xff"
    attempt = book.hand_in("ada", 1, "exercise1_ecommerce_order.py", source)
    other = shelf.open()
    assert other.attempts() == [attempt] == [other.attempt(attempt.number)]
    assert other.source(attempt.number) == source
    assert (attempt.learner, attempt.exercise, attempt.received) == ("ada", 1, 1e6)
    assert attempt.code == sha256(source).hexdigest()


def test_the_report_is_valid_from_the_first_second(book: Gradebook) -> None:
    attempt = book.hand_in("ada", 1, "exercise1_ecommerce_order.py", b"")
    assert (attempt.state, attempt.verdict, attempt.points, attempt.max_points) == (
        "queued",
        "not run",
        0,
        66,
    )
    report = json.loads(book.report(attempt.number))
    assert (report["verdict"], report["exercise"], report["max_points"]) == ("not run", 1, 66)
    assert report["problem"] == "It was received, and is not graded yet."
    claimed = book.claim("me")
    assert claimed is not None and (claimed.state, claimed.verdict) == ("grading", "not run")
    assert json.loads(book.report(attempt.number)) == report


def test_the_same_file_again_is_the_same_attempt_and_another_in_between_is_not(
    shelf: Shelf, book: Gradebook
) -> None:
    first = book.hand_in("ada", 1, "a.py", b"one")
    shelf.now += 10
    assert book.hand_in("ada", 1, "a.py", b"one") == first
    others = [
        book.hand_in("ada", 1, "a.py", b"two"),
        book.hand_in("ada", 1, "a.py", b"one"),
        book.hand_in("ada", 1, "a.ipynb", b"one"),
        book.hand_in("ada", 2, "a.py", b"one"),
        book.hand_in("bert", 1, "a.py", b"one"),
    ]
    assert [x.number for x in book.attempts()] == [first.number, *(x.number for x in others)]


def test_attempts_are_found_by_learner_exercise_and_state(book: Gradebook) -> None:
    graded(book, "ada", "one", 10)
    book.hand_in("ada", 2, "a.py", b"")
    book.hand_in("bert", 2, "a.py", b"")
    found: Callable[..., list[tuple[str, int]]] = lambda *x, **y: [  # noqa: E731
        (attempt.learner, attempt.exercise) for attempt in book.attempts(*x, **y)
    ]
    assert found("ada") == [("ada", 1), ("ada", 2)]
    assert found(exercise=2) == [("ada", 2), ("bert", 2)]
    assert found(state="queued") == [("ada", 2), ("bert", 2)]
    assert found("ada", 1, "done") == [("ada", 1)]
    assert found("nobody") == []


def test_what_is_unknown_is_named(book: Gradebook) -> None:
    for what, work in (
        ("learner 'eve'", lambda: book.hand_in("eve", 1, "a.py", b"")),
        ("exercise 7", lambda: book.hand_in("ada", 7, "a.py", b"")),
        ("exercise 7", lambda: book.override("ada", 7, 1, "why")),
        ("learner 'eve'", lambda: book.override("eve", 1, 1, "why")),
        ("learner 'eve'", lambda: book.issue("eve")),
        ("learner 'eve'", lambda: book.forget("eve")),
        ("learner 'eve'", lambda: book.set_deadline(Deadline(1, 0, 0, learner="eve"))),
        ("attempt 99", lambda: book.attempt(99)),
        ("attempt 99", lambda: book.source(99)),
        ("attempt 99", lambda: book.report(99)),
    ):
        with pytest.raises(Unknown, match=f"no {what}"):
            work()


# ---- grading


def test_each_attempt_goes_to_one_grader_however_many_race(shelf: Shelf, book: Gradebook) -> None:
    for number in range(30):
        book.hand_in("ada", 1, "a.py", str(number).encode())
    shelf.url = shelf.url.replace("timeout=0.01", "timeout=60")
    books = [shelf.open() for _ in range(4)]

    def claims(place: int) -> list[int]:
        mine = []
        while (attempt := books[place].claim(f"grader {place}")) is not None:
            mine.append(attempt.number)
        return mine

    with ThreadPoolExecutor(4) as threads:
        taken = list(threads.map(claims, range(4)))
    assert sorted(number for mine in taken for number in mine) == [
        attempt.number for attempt in book.attempts()
    ]
    assert {attempt.tries for attempt in book.attempts()} == {1}


def test_the_oldest_is_graded_first_and_what_has_a_result_last(book: Gradebook) -> None:
    old = graded(book, "ada", "old", 10)
    book.regrade(old)
    first, second = (book.hand_in("ada", 1, "a.py", source) for source in (b"1", b"2"))
    order = [first.number, second.number, old.number]
    claimed = [book.claim("me") for _ in range(4)]
    for attempt in claimed[:3]:
        assert attempt is not None and book.settle(attempt, passed(), "1", 0.5)
        book.regrade(attempt)  # as it was read then, it was being graded
        assert book.attempt(attempt.number).state == "done"
    assert [attempt and attempt.number for attempt in claimed] == [*order, None]


def test_an_attempt_is_claimed_by_its_number_unless_it_is_taken_or_done(book: Gradebook) -> None:
    book.hand_in("ada", 1, "a.py", b"1")
    wanted = book.hand_in("ada", 1, "a.py", b"2")
    claimed = book.claim("me", wanted.number)
    assert claimed is not None and claimed.number == wanted.number and claimed.grader == "me"
    assert book.claim("you", wanted.number) is None
    book.settle(claimed, passed(), "1", 0.5)
    assert book.claim("you", wanted.number) is None


def test_an_attempt_whose_grader_died_is_free_after_its_lease(shelf: Shelf, book: Gradebook) -> None:
    book.hand_in("ada", 1, "a.py", b"1")
    dead = book.claim("dead")
    shelf.now += book.lease - 0.001
    assert dead is not None and book.claim("heir") is None
    shelf.now += 0.001
    heir = book.claim("heir")
    assert heir is not None and (heir.number, heir.tries) == (dead.number, 2)
    assert not book.settle(dead, passed(1), "1", 0.5), "it was not dead, only slow"
    assert book.settle(heir, passed(60), "1", 0.5)
    assert not book.settle(heir, passed(1), "1", 0.5)
    assert book.attempt(heir.number).points == 60


def test_a_slow_grader_may_settle_while_nobody_took_over(shelf: Shelf, book: Gradebook) -> None:
    book.hand_in("ada", 1, "a.py", b"1")
    slow = book.claim("slow")
    shelf.now += 10 * book.lease
    assert slow is not None and book.settle(slow, passed(), "1", 0.5)


def test_a_lease_that_is_renewed_lasts(shelf: Shelf, book: Gradebook) -> None:
    for source in (b"1", b"2"):
        book.hand_in("ada", 1, "a.py", source)
    mine, theirs = book.claim("me"), book.claim("you")
    shelf.now += book.lease - 1
    book.renew("me")
    shelf.now += 2
    again = book.claim("heir")
    assert mine is not None and theirs is not None and again is not None
    assert again.number == theirs.number and book.claim("heir") is None


def test_a_result_is_kept_with_its_report_and_what_made_it(book: Gradebook) -> None:
    attempt = graded(book, "ada", "one", 40)
    assert attempt == Attempt(
        number=attempt.number,
        learner="ada",
        exercise=1,
        file="saga.py",
        code=sha256(b"one").hexdigest(),
        received=1e6,
        state="done",
        grader="me",
        until=attempt.until,
        tries=1,
        edition="1, singles",
        verdict="pass",
        medal="gold",
        points=40,
        max_points=66,
        seconds=0.5,
    )
    assert json.loads(book.report(attempt.number))["points"] == 40


def test_a_result_stands_until_a_new_grading_replaces_it(book: Gradebook) -> None:
    before = graded(book, "ada", "one", 40)
    number = before.number
    book.regrade(before)
    for _ in range(2):
        attempt = book.attempt(number)
        assert (attempt.state != "done", attempt.points, attempt.edition) == (True, 40, "1, singles")
        claimed = book.claim("me")
    assert claimed is None
    taken = book.attempt(number)
    assert book.settle(taken, passed(50), "2", 0.5)
    assert (book.attempt(number).points, book.attempt(number).edition) == (50, "2")
    book.regrade(before)
    assert book.attempt(number).state == "done", "it was graded since"


def test_what_a_grader_gives_back_is_free_at_once(book: Gradebook) -> None:
    for source in (b"1", b"2"):
        book.hand_in("ada", 1, "a.py", source)
    mine, theirs = book.claim("me"), book.claim("you")
    book.release("me")
    again = book.claim("heir")
    assert mine is not None and theirs is not None and again is not None
    assert again.number == mine.number and book.claim("heir") is None
    assert not book.settle(mine, passed(), "1", 0.5)


# ---- what a teacher decides


def test_an_override_counts_until_it_is_taken_back_and_all_are_kept(shelf: Shelf, book: Gradebook) -> None:
    graded(book, "ada", "one", 40)
    book.override("ada", 1, 55, "an oral exam")
    shelf.now += 1
    word = book.override("ada", 1, 50, "another one")
    (standing,) = book.standing("ada")
    assert (standing.counted, standing.points, standing.override) == (50, 40, word)
    book.override("ada", 1, None, "a mistake")
    (standing,) = book.standing("ada")
    assert (standing.counted, standing.override) == (40, None)
    assert [x.reason for x in book.overrides()] == ["an oral exam", "another one", "a mistake"]


def test_an_override_has_a_reason(book: Gradebook) -> None:
    with pytest.raises(ValueError, match="needs a reason"):
        book.override("ada", 1, 50, "  ")


def test_a_deadline_is_replaced_and_an_extension_stands_beside_it(book: Gradebook) -> None:
    book.set_deadline(Deadline(1, 10.0, 20))
    book.set_deadline(Deadline(1, 20.0, 30, closes=99.0))
    book.set_deadline(Deadline(1, 25.0, 30, learner="ada"))
    assert book.deadlines() == [Deadline(1, 20.0, 30, 99.0), Deadline(1, 25.0, 30, learner="ada")]


def test_the_standing_is_asked_for_one_learner_or_one_exercise(book: Gradebook) -> None:
    for learner in ("bert", "ada"):
        for exercise in (2, 1):
            graded(book, learner, "one", 10 * exercise, exercise)
    book.override("bert", 3, 5, "shown on a board")
    found: Callable[..., list[tuple[str, int, int]]] = lambda *x, **y: [  # noqa: E731
        (s.learner, s.exercise, s.counted) for s in book.standing(*x, **y)
    ]
    everything = [("ada", 1, 10), ("ada", 2, 20), ("bert", 1, 10), ("bert", 2, 20), ("bert", 3, 5)]
    assert found() == everything
    assert found("bert") == everything[2:]
    assert found(exercise=2) == [everything[1], everything[3]]


# ---- the whole


def test_who_is_forgotten_leaves_nothing_behind(shelf: Shelf, book: Gradebook) -> None:
    for learner in ("ada", "bert"):
        graded(book, learner, "one", 10)
        book.override(learner, 1, 5, "why")
        book.set_deadline(Deadline(1, 10.0, 20, learner=learner))
    token = book.issue("ada")
    assert book.forget("ada") == 1
    assert [x.id for x in book.learners()] == ["bert"] and book.who(token) is None
    left = (book.attempts(), book.overrides(), book.deadlines(), book.standing())
    assert [{x.learner for x in some} for some in left] == [{"bert"}] * 4


def test_what_was_deleted_is_overwritten_in_the_file(sqlite: Shelf, tmp_path: Path) -> None:
    book = sqlite.open()
    for learner in ("ada", "bert"):
        book.enrol(learner, f"the name of {learner}")
        graded(book, learner, f"the source of {learner}", 10)
    assert b"the source of ada" in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    book.forget("ada")
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"of ada" not in left
    assert b"the source of bert" in left and b"the name of bert" in left


def test_a_grader_is_told_when_its_learner_was_forgotten(book: Gradebook) -> None:
    book.hand_in("ada", 1, "a.py", b"1")
    claimed = book.claim("me")
    book.forget("ada")
    assert claimed is not None and not book.settle(claimed, passed(), "1", 0.5)


def test_a_backup_is_a_gradebook_of_its_own(sqlite: Shelf, tmp_path: Path) -> None:
    book = sqlite.open()
    book.enrol("ada")
    before = graded(book, "ada", "one", 10)
    book.backup(tmp_path / "backup.db")
    graded(book, "ada", "two", 20)
    copy = Shelf(f"sqlite:///{tmp_path}/backup.db").open()
    assert copy.attempts() == [before] and copy.source(before.number) == b"one"
    copy.close()
    with pytest.raises(GradebookError, match="there already"):
        book.backup(tmp_path / "gradebook.db")
    assert len(book.attempts()) == 2


def test_a_backup_of_a_server_is_the_servers_work(postgresql: Shelf, tmp_path: Path) -> None:
    with pytest.raises(GradebookError, match="pg_dump"):
        postgresql.open().backup(tmp_path / "backup.db")
    assert list(tmp_path.iterdir()) == []


def test_it_is_read_while_a_grader_writes(shelf: Shelf, book: Gradebook) -> None:
    attempt = book.hand_in("ada", 1, "a.py", b"1")
    with book._writing() as tx:
        tx.exec_driver_sql("UPDATE gradebook_attempts SET points = 5")
        assert shelf.open().attempts() == [attempt]
