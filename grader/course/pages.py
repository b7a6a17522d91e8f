"""The pages of the course: plain HTML, one style sheet, one small script that shows what changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from urllib.parse import quote

from grader.course.course import Course, when
from grader.course.taking import lateness
from grader.exercises import EXERCISES
from grader.gradebook import Attempt, Deadline, Learner, Override, Standing, days_late, due

NOTHING = "-"


def sign_in(base: str, problem: str = "") -> str:
    """The way in: a token, and nothing else."""
    return _page(
        base,
        "Saga Lab",
        f"""{_said(problem, "wrong")}
<form class="card" method="post" action="{base}/sign-in">
<label>Your token, which your teacher gave you
<input name="token" type="password" autocomplete="current-password" required autofocus></label>
<button>Sign in</button>
</form>""",
    )


def problem(base: str, text: str) -> str:
    """What went wrong, and the way back."""
    return _page(base, "Saga Lab", f'{_said(text, "wrong")}<p><a href="{base}/">Back</a></p>')


# ---- a learner's


def mine(course: Course, learner: Learner, said: str) -> str:
    """The learner's own page; `said`: the attempt that was just handed in."""
    names = "".join(f'<option value="{x.number}">{escape(x.title)}</option>' for x in EXERCISES.values())
    body = f"""{_said(_handed_in(course, learner, said))}
<form class="card row" method="post" action="{course.base}/me/hand-in" enctype="multipart/form-data">
<label>Hand in a .py or an .ipynb <input type="file" name="file" accept=".py,.ipynb" required></label>
<label>Exercise <select name="exercise"><option value="">as its name says</option>{names}</select></label>
<button>Hand in</button>
</form>
<p class="quiet">Or from a terminal, or a notebook: <code>saga-lab submit FILE</code>. Of all you hand in the
best counts.</p>
<div id="live" data-from="{course.base}/me/events">{results(course, learner)}</div>"""
    return _page(course.base, learner.name, body, signed_in=True)


def results(course: Course, learner: Learner) -> str:
    """What changes: each exercise, what counts, and every attempt at it."""
    attempts = course.book.attempts(learner.id)
    standing = {each.exercise: each for each in course.book.standing(learner.id)}
    rules = course.book.deadlines()
    return "\n".join(
        _exercise(
            course,
            number,
            standing.get(number),
            due(rules, learner.id, number),
            [attempt for attempt in attempts if attempt.exercise == number],
            "me",
        )
        for number in EXERCISES
    )


def _exercise(
    course: Course,
    number: int,
    standing: Standing | None,
    rule: Deadline | None,
    attempts: Sequence[Attempt],
    whose: str,
) -> str:
    exercise = EXERCISES[number]
    counted = standing.counted if standing else 0
    medal = standing.medal if standing else None
    share = 100 * counted / exercise.max_points
    told = [f"Due {when(rule.due)}{f', {rule.off} % off a day' if rule.off else ''}"] if rule else []
    if standing and standing.late:
        told.append(f"the one that counts is {_days(standing.late)} late")
    if standing and standing.override:
        told.append(f"your teacher decided: {standing.override.reason.rstrip('.')}")
    running = [course.workers.progress.get(x.number) for x in attempts if x.state == "grading"]
    bars = "".join(_progress(told) for told in running)
    rows = "".join(_attempt(course, attempt, rule, whose) for attempt in reversed(attempts))
    table = (
        f'<details data-key="{number}"><summary>{_many(len(attempts), "attempt")}</summary>'
        f'<div class="wide"><table class="tried"><tbody>{rows}</tbody></table></div></details>'
        if attempts
        else '<p class="quiet">Nothing handed in yet.</p>'
    )
    return f"""<section class="card">
<h2>{escape(exercise.title)} <span class="medal {medal or ""}">{medal or ""}</span>
<span class="points">{counted} / {exercise.max_points}</span></h2>
<div class="meter"><div style="width:{share:.0f}%"></div></div>
{f'<p class="quiet">{escape("; ".join(told))}.</p>' if told else ""}{bars}{table}
</section>"""


def _progress(told: tuple[int, int] | None) -> str:
    if told is None:
        return '<p class="now">Being graded now <progress></progress></p>'
    ran, known = told
    bar = f'<progress max="{known}" value="{ran}"></progress>'
    return f'<p class="now">Being graded: {ran:,} of {known:,} scenarios {bar}</p>'


def _attempt(course: Course, attempt: Attempt, rule: Deadline | None, whose: str) -> str:
    link = f"{course.base}/{whose}/attempts/{attempt.number}"
    state = {"queued": "waits to be graded", "grading": "being graded"}.get(attempt.state, attempt.verdict)
    verdict = f'<span class="verdict {attempt.verdict.replace(" ", "-")}">{state}</span>'
    points = f"{attempt.points} / {attempt.max_points}" if attempt.edition else NOTHING
    late = days_late(attempt.received, rule)
    note = f'<span class="quiet">{_days(late)} late</span>' if late else ""
    return (
        f"<tr><td>{attempt.number}</td><td>{when(attempt.received)} {note}</td><td>{verdict}</td>"
        f'<td class="number">{points}</td><td>{attempt.medal or ""}</td>'
        f'<td class="links"><a href="{link}">Report</a> <a href="{link}/file">File</a></td></tr>'
    )


def _handed_in(course: Course, learner: Learner, said: str) -> str:
    """What to say of an attempt that was just handed in; the address may hold anything."""
    for attempt in course.book.attempts(learner.id):
        if str(attempt.number) == said:
            rule = due(course.book.deadlines(), learner.id, attempt.exercise)
            title = EXERCISES[attempt.exercise].title
            kept = f"{title} was handed in {when(attempt.received)}, as attempt {attempt.number}."
            return f"{kept} {lateness(attempt.received, rule)}"
    return ""


# ---- the teacher's


def overview(course: Course, said: str) -> str:
    """The class, and all that a teacher decides."""
    book = course.book
    learners = book.learners()
    standing = {(each.learner, each.exercise): each for each in book.standing()}
    waiting = sum(each.waiting for each in standing.values())
    heads = "".join(f'<th title="{escape(x.title)}">{x.number}</th>' for x in EXERCISES.values())
    rows = "".join(
        f'<tr><td><a href="{course.base}/teacher/learner?id={quote(each.id, safe="")}">'
        f"{escape(each.name)}</a>"
        f' <span class="quiet">{escape(each.id) if each.id != each.name else ""}</span></td>'
        + "".join(_cell(standing.get((each.id, number))) for number in EXERCISES)
        + f'<td class="number">{sum(standing[k].counted for k in standing if k[0] == each.id)}</td></tr>'
        for each in learners
    )
    body = f"""{_said(said)}
<p>{_many(len(learners), "learner")}, {_many(waiting, "attempt")} to be graded, {
        _many(course.workers.count, "grader")
    }. <a href="{course.base}/teacher/standing.csv">Standing as CSV</a></p>
<div class="wide card"><table class="class"><thead><tr><th>Learner</th>{heads}<th>Sum</th></tr></thead>
<tbody>{rows}</tbody></table></div>
<p class="quiet"><b>G</b> gold, <b>S</b> silver, <b>B</b> bronze; <b>late</b>; <b>*</b> your own word;
<b>…</b> waits to be graded.</p>
{_deadlines(book.deadlines())}
<h2>Decide</h2>
{_forms(course.base)}"""
    return _page(course.base, "The class", body, signed_in=True)


def one_learner(course: Course, id: str) -> str:
    """One learner: every attempt, and every word of the teacher's."""
    (learner,) = (each for each in course.book.learners() if each.id == id)
    attempts = course.book.attempts(id)
    standing = {each.exercise: each for each in course.book.standing(id)}
    rules = course.book.deadlines()
    tried = "\n".join(
        _exercise(
            course,
            number,
            standing.get(number),
            due(rules, id, number),
            [attempt for attempt in attempts if attempt.exercise == number],
            "teacher",
        )
        for number in EXERCISES
        if number in standing
    )
    words = "".join(map(_word, (word for word in course.book.overrides() if word.learner == id)))
    body = f"""<p class="quiet">{escape(learner.id)}, enrolled {when(learner.joined)}.
<a href="{course.base}/teacher">The class</a></p>
{tried or "<p>Nothing handed in yet.</p>"}
{f"<h2>Overrides</h2><ul>{words}</ul>" if words else ""}"""
    return _page(course.base, learner.name, body, signed_in=True)


def _cell(standing: Standing | None) -> str:
    if standing is None:
        return f'<td class="number quiet">{NOTHING}</td>'
    marks = [standing.medal[0].upper()] if standing.medal else []
    marks += ["late"] if standing.late else []
    marks += ["*"] if standing.override else []
    marks += ["…"] if standing.waiting else []
    return f'<td class="number">{standing.counted} <span class="marks">{" ".join(marks)}</span></td>'


def _word(word: Override) -> str:
    counts = "as graded" if word.points is None else f"{word.points} points"
    return f"<li>{when(word.at)}: exercise {word.exercise}, {counts}. {escape(word.reason)}</li>"


def _deadlines(rules: Iterable[Deadline]) -> str:
    told = (
        (
            *(str(rule.exercise), rule.learner or "everybody", when(rule.due), f"{rule.off} % a day"),
            when(rule.closes) if rule.closes is not None else "never",
        )
        for rule in rules
    )
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in told)
    if not rows:
        return '<p class="quiet">No deadlines are set: nothing is late.</p>'
    return (
        '<h2>Deadlines</h2><div class="wide card"><table class="dates"><thead><tr><th>Exercise</th>'
        f"<th>For</th><th>Due</th><th>Off</th><th>Closes</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _forms(base: str) -> str:
    """What a teacher decides, each behind its name until it is wanted."""
    learner = '<label>Learner (id) <input name="learner" required></label>'
    numbers = "".join(f"<option>{number}</option>" for number in EXERCISES)
    exercise = f'<label>Exercise <select name="exercise">{numbers}</select></label>'
    any_exercise = exercise.replace("<option>1", '<option value="">all</option><option>1')
    forms = [
        (
            "Take in a roster",
            "roster",
            '<label>CSV: id, name <input type="file" name="file" accept=".csv,text/csv" required></label>',
            "You get the tokens of those who are new, this once. The others keep theirs.",
        ),
        (
            "Set a deadline, or extend it",
            "deadline",
            f'{exercise}<label>Due (UTC) <input type="datetime-local" name="due" required></label>'
            '<label>Off a day, % <input type="number" name="off" min="0" max="100" value="10"></label>'
            '<label>Closes (UTC) <input type="datetime-local" name="closes"></label>'
            '<label>Only for (id) <input name="learner"></label>',
            "It replaces the former one. What was handed in is marked by the new one, too.",
        ),
        (
            "Override a result",
            "override",
            f'{learner}{exercise}<label>Points <input type="number" name="points" min="0"></label>'
            '<label>Reason <input name="reason" required></label>',
            "The learner reads the reason. Without points, what the grader says counts again.",
        ),
        (
            "Grade again",
            "regrade",
            f'<label>Learner (id) <input name="learner"></label>{any_exercise}',
            "Results stand until the new ones are there.",
        ),
        ("Give a new token", "token", learner, "The former one is void."),
        (
            "Delete a learner",
            "forget",
            f'{learner}<label>Again <input name="again" required></label>',
            "With all that was handed in. There is no way back.",
        ),
    ]
    return "".join(
        f'<details class="card"><summary>{title}</summary><form class="row" method="post" '
        f'action="{base}/teacher/{action}" enctype="multipart/form-data">{fields}<button>{title}</button>'
        f'</form><p class="quiet">{note}</p></details>'
        for title, action, fields, note in forms
    )


# ---- all


def _page(base: str, title: str, body: str, signed_in: bool = False) -> str:
    out = (
        f'<form method="post" action="{base}/sign-out"><button class="plain">Sign out</button></form>'
        if signed_in
        else ""
    )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>{escape(title)}</title><link rel="stylesheet" href="{base}/static/course.css">
<link rel="icon" href="data:,"><script src="{base}/static/course.js" defer></script></head>
<body><header><h1>{escape(title)}</h1>{out}</header>
<main>{body}</main></body></html>
"""


def _said(text: str, kind: str = "well") -> str:
    return f'<p class="said {kind}" role="status">{escape(text)}</p>' if text else ""


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _days(count: int) -> str:
    return _many(count, "day")
