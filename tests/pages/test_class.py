"""The page of a class, its CSV and its table: counted from reports, by learner and exercise."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from grader import Report
from grader.cli import main
from grader.gradebook import Gradebook
from grader.items import Work, as_csv, fault, from_gradebook, hits, items
from grader.pages.whole_class import page
from grader.report import Cause, Judged, as_json
from tests.pages.runs import HOSTILE, Read

FILE = "exercise1_ecommerce_order.py"


def report(points: int, *tokens: str, told: str = "1 charged") -> Report:
    """A report in which the status was untrue in these scenarios."""
    causes = tuple(Cause(x, "", "f", "true", "untrue", "why", (told,), "again", turn=x) for x in tokens)
    judged = Judged("S-0", "the status is true", "fail" if causes else "pass", 0, 3, 3, causes)
    verdict = "fail" if causes else "pass"
    medal = None if causes else "silver"
    return Report(1, "Exercise 1", FILE, verdict, medal, points=points, max_points=66, invariants=(judged,))


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Gradebook]:
    """Three learners: ada got it, bert tried three times and is stuck since the first, cleo tried once."""
    hour = iter(range(1_767_225_600, 1_800_000_000, 3_600))
    book = Gradebook(f"sqlite:///{tmp_path}/gradebook.db", now=lambda: float(next(hour)))
    told = [
        ("ada", report(30, "payments.charge:lost*")),
        ("ada", report(44)),
        ("bert", report(20, "payments.charge:lost", "inventory.reserve:late=1h*")),
        ("bert", report(20, "payments.charge:lost*", told="2 longer than the other")),
        ("bert", report(10, "payments.charge:lost*")),
        ("cleo", report(0, "payments.charge:lost*", "case:two-items")),
    ]
    for number, (learner, result) in enumerate(told):
        book.enrol(learner)
        book.hand_in(learner, 1, FILE, str(number).encode())
        attempt = book.claim("a grader")
        assert attempt is not None
        book.settle(attempt, result, "edition", 1.0)
    yield book
    book.close()


def works(book: Gradebook) -> list[Work]:
    return from_gradebook(book, str)


def test_the_best_attempt_counts_and_the_newest_tells_what_fails(book: Gradebook) -> None:
    told = {work.learner: (work.points, work.medal, work.newest.points) for work in works(book)}
    assert told == {"ada": (44, "silver", 44), "bert": (20, None, 10), "cleo": (0, None, 0)}


def test_stuck_is_who_tried_again_and_got_no_further(book: Gradebook) -> None:
    stuck = [(work.learner, work.tries) for work in works(book) if work.stuck]
    assert stuck == [("bert", 2)]
    first = min(attempt.received for attempt in book.attempts("bert"))
    assert [work.since for work in works(book) if work.stuck] == [first]


def test_an_item_is_a_fault_a_promise_and_how_many_it_hits(book: Gradebook) -> None:
    told = [(item.fault, item.promise, item.learners, item.of) for item in items(works(book))]
    assert told == [("payments.charge:lost", "S-0", 2, 3), ("case two-items", "S-0", 1, 3)]


def test_what_hits_most_comes_with_its_shortest_story(book: Gradebook) -> None:
    first = hits(works(book))[0]
    assert (first.fault, first.learners, first.of) == ("payments.charge:lost", 2, 3)
    assert first.cause.story == ("1 charged",)


def test_the_csv_says_the_same_as_the_page(book: Gradebook) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(items(works(book))))))
    words = Read(page(works(book))).words
    assert (rows[0]["fault"], rows[0]["learners"]) == ("payments.charge:lost", "2")
    assert all(row["fault"] in words for row in rows)
    assert "2 of 3 learners" in words and "bert" in words


@pytest.mark.parametrize(
    ("token", "told"),
    [
        ("none", "no fault"),
        ("case:two-items", "case two-items"),
        ("seed:7", "another request"),
        ("payments.charge:late=1h*", "payments.charge:late"),
        ("payments.charge#2:down=3 + mail.send:lost", "payments.charge:down + mail.send:lost"),
        ("again", "again"),
    ],
)
def test_how_often_and_how_long_makes_no_other_fault(token: str, told: str) -> None:
    assert fault(token) == told


def test_names_and_words_of_learners_are_text_and_nothing_else() -> None:
    told = report(0, "none", told=HOSTILE)
    read = Read(page([Work(HOSTILE, 1, 0, None, False, told, since=0.0, tries=1)]))
    assert read.scripts == [] and read.comments == []
    assert not [name for name, _ in read.elements if name == "img"]
    assert read.words.count("alert(1)</script>") == 2


def test_the_same_works_give_the_same_bytes(book: Gradebook) -> None:
    assert page(works(book)) == page(list(reversed(works(book))))


def test_a_gradebook_and_a_folder_of_reports_are_told_alike(book: Gradebook, tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    for work in works(book):
        (folder / work.learner).mkdir(parents=True)
        (folder / work.learner / "exercise1_ecommerce_order.json").write_text(as_json(work.newest))
    outputs = [
        CliRunner().invoke(main, ["report-class", str(x)]) for x in (tmp_path / "gradebook.db", folder)
    ]
    assert [output.exit_code for output in outputs] == [0, 0]
    for output in outputs:
        assert "2 of 3  1 · S-0 the status is true: payments.charge:lost" in output.output


def test_it_writes_a_page_and_a_csv_without_the_names(book: Gradebook, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"k" * 32)
    html, table = tmp_path / "class.html", tmp_path / "items.csv"
    ask = ["report-class", str(tmp_path / "gradebook.db"), "--html", str(html), "--csv", str(table)]
    told = CliRunner().invoke(main, [*ask, "--anonymous", str(key)])
    assert told.exit_code == 0, told.output
    assert "bert" not in html.read_text() + table.read_text()
    assert "2026-01-01" in html.read_text()


@pytest.mark.parametrize("name", ["nothing.db", "sqlite:///nothing.db", "empty"])
def test_where_there_is_nothing_nothing_is_made(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(main, ["report-class", name])
    assert told.exit_code == 2 and "grade-all" in told.output
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_what_is_no_report_is_named(tmp_path: Path) -> None:
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "a.json").write_text("{")
    told = CliRunner().invoke(main, ["report-class", str(tmp_path)])
    assert told.exit_code == 2 and "a.json is no report" in told.output
