"""The page of a submission: all that is known of it, for everybody, from one file that asks for nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from base64 import b64encode
from hashlib import sha256
from typing import Any

import pytest
from msgspec.structs import replace

from grader import Report
from grader.exercises import EXERCISES
from grader.message import failures
from grader.pages import html, page, submission
from grader.pages.steps import walk
from grader.report import Judged, Remark, without_runs
from saga_lab.sim import Instant, Trace
from saga_lab.worlds.shop import ShopWorld
from tests.pages.runs import HOSTILE, Read, forgetful, spiteful

TELLS = EXERCISES[1].rules.tells


def test_the_same_report_gives_the_same_bytes_in_any_process() -> None:
    program = "from tests.pages.runs import spiteful; from grader.pages import page; print(page(spiteful()))"
    told = {
        subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1 and b"</html>" in told.pop()


def test_it_holds_the_verdict_each_promise_and_each_cause() -> None:
    report = forgetful()
    words = Read(page(report)).words
    assert f"{report.points} / {report.max_points}" in words and "not passed" in words
    assert all(f"{judged.id} {judged.promise}" in words for judged in report.invariants)
    assert all(one.cause.observed in words and one.cause.again in words for one in failures(report))
    assert "bubblewrap" in words or "landlock" in words or "limits" in words


def test_it_asks_for_nothing_and_runs_no_script_but_its_own() -> None:
    read = Read(page(forgetful()))
    addresses = [
        x for _, found in read.elements for name in ("src", "href", "action") if (x := found.get(name))
    ]
    assert addresses == ["data:,"]
    assert "http" not in read.scripts[1] and "url(" not in page(forgetful())
    policy = next(x["content"] or "" for _, x in read.elements if x.get("http-equiv"))
    digest = b64encode(sha256(read.scripts[1].encode()).digest()).decode()
    assert (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'"
        in policy
    )
    assert not [name for _, found in read.elements for name in found if name.startswith("on")]


def test_what_a_learner_wrote_is_text_and_nothing_else() -> None:
    written = page(spiteful())
    read = Read(written)
    assert len(read.scripts) == 2 and read.comments == []
    assert not [name for name, _ in read.elements if name in ("img", "iframe", "object")]
    assert "alert(1)</script>" in read.words
    assert not re.search("[\u202e\u2028\x07]", written)
    assert "\\u202e" in read.words


def test_no_text_ends_the_data_or_begins_a_comment_in_it() -> None:
    element = html.as_data("runs", {"a": HOSTILE, HOSTILE: ["<!--", {"b": "</SCRIPT >"}], "n": [1, None]})
    inside = element.removeprefix('<script type="application/json" id="runs">').removesuffix("</script>")
    assert "<" not in inside and ">" not in inside and "&" not in inside
    assert Read(element).data["a"] == html.seen(HOSTILE)


def test_half_a_letter_can_be_written_to_a_file() -> None:
    remark = Remark("r", "half \ud800 a letter", "why", "todo")
    page(Report(1, "Exercise 1", "a.py", "pass", remarks=(remark,))).encode()


def test_each_run_is_walked_from_the_first_ledgers_to_the_last() -> None:
    for run in data()["runs"]:
        lines = dict(run["walk"]["ledgers"])
        for step in run["walk"]["steps"]:
            lines.update(step["changes"])
        trace = traces()[run["token"]]
        last = walk(trace, ShopWorld, TELLS, None)
        assert run["walk"]["steps"][-1]["written"] == len(trace.journal) == len(run["walk"]["journal"])
        assert {name for name, value in lines.items() if value is not None} == at_the_end(trace), last


def test_who_changed_a_ledger_is_named() -> None:
    run = next(run for run in data()["runs"] if run["token"] == "payments.charge:lost*")
    changing = [step for step in run["walk"]["steps"] if step["changes"]]
    assert [step["by"] for step in changing] == [["payments.charge under order-001/charge"]]
    assert [x for x in changing[0]["told"] if "payments" in x] == ["payments.charge: done"]
    assert changing[0]["when"] == "0.02 s"
    assert [value for _, value in changing[0]["changes"]] == ["cust-123", "9999", "charged"]


def test_a_walk_begins_where_it_went_wrong() -> None:
    run = next(run for run in data()["runs"] if run["token"] == "payments.charge:lost*")
    assert run["walk"]["steps"][run["walk"]["turning"]]["told"][-1] == 'returned "failed"'


def test_other_runs_of_the_same_cause_are_on_the_page_with_their_pictures() -> None:
    read = Read(page(forgetful()))
    found = read.data
    first = found["groups"][0]
    others = [found["runs"][place] for place in first["runs"][1:]]
    assert {str(place) for place in first["runs"][1:]} <= {x.get("data-run") for _, x in read.elements}
    alike = [trace.token for trace in failures(forgetful())[0].cause.alike]
    assert [run["token"] for run in others] == alike[: len(others)] != []
    assert all(f'"{run["token"]}"' in run["again"] for run in others)


def test_what_does_not_fit_is_left_out_and_the_page_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submission, "MOST_DATA", 50_000)
    read = Read(page(forgetful()))
    shown = sum(len(group["runs"]) - 1 for group in read.data["groups"])
    assert 0 < shown < sum(len(one.cause.alike) for one in failures(forgetful()))
    assert "other failing scenarios with this cause are in this page" in read.words


def test_what_is_too_long_is_cut_and_says_how_long_it_was() -> None:
    trace = failures(forgetful())[0].cause.trace
    assert trace is not None
    long = replace(trace, instants=(Instant(0, 0, {"payments": {"a": "x" * 5_000}}),))
    [(name, value)] = walk(long, ShopWorld, TELLS, None).ledgers
    assert name == "payments · a" and value == "x" * 300 + " ... (5000 characters)"


def test_it_is_whole_without_a_script() -> None:
    read = Read(page(forgetful()))
    assert sum(name == "figure" for name, _ in read.elements) == len(failures(forgetful()))
    assert "payments.charge: done" in read.words and "here it went wrong" in read.words
    assert [x["aria-label"] for name, x in read.elements if x.get("role") == "img"]


def test_a_report_from_json_has_the_words_without_the_pictures() -> None:
    read = Read(page(without_runs(forgetful())))
    assert read.scripts == [] and "What we did" in read.words
    assert not [name for name, _ in read.elements if name == "figure"]


@pytest.mark.parametrize("verdict", ["not run", "grader error"])
def test_what_could_not_be_judged_is_told_with_its_reason(verdict: Any) -> None:
    read = Read(page(Report(0, "", "<b>.py", verdict, problem="no function <order_saga>")))
    assert "no function <order_saga>" in read.words and "<b>.py" in read.words


def test_medals_are_counted_from_the_points_of_a_promise() -> None:
    judged = Judged("S-0", "the status is true", "fail", 2, 6, 3)
    words = Read(page(Report(1, "E", "a.py", "fail", invariants=(judged,)))).words
    assert re.search(r"the status is true\s*fail\s*\+2\s*lost\s*.\s*2 / 6", words)


def data() -> Any:
    return Read(page(forgetful())).data


def traces() -> dict[str, Trace]:
    causes = [one.cause for one in failures(forgetful())]
    return {x.token: x for cause in causes for x in (cause.trace, *cause.alike) if x is not None}


def at_the_end(trace: Trace) -> set[str]:
    def places(value: Any, name: str) -> set[str]:
        if not isinstance(value, dict):
            return set() if value == [] else {name}
        return set().union(*(places(x, f"{name} · {key}" if name else key) for key, x in value.items()))

    return places(trace.instants[-1].ledgers, "")
