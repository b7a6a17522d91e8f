"""The gradebook's operations, on SQLite or PostgreSQL: each is one transaction."""

from __future__ import annotations

import hashlib
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from threading import Lock
from typing import Any

import sqlalchemy as sa
from msgspec.structs import asdict, replace
from sqlalchemy.dialects import postgresql, sqlite

from grader.exercises import EXERCISES
from grader.gradebook import tables
from grader.gradebook.records import (
    Attempt,
    Deadline,
    GradebookError,
    InUse,
    Learner,
    Override,
    State,
    Unknown,
)
from grader.gradebook.standing import Standing, stand
from grader.report import Report, as_json
from saga_lab.journals.database import Purpose, database
from saga_lab.journals.schema import Schema, prepare

GRADEBOOK = Purpose(
    "gradebook", "", "then do it again; what is handed in twice counts once", GradebookError, InUse
)
_attempts, _learners = tables.attempts, tables.learners
_deadlines, _overrides = tables.deadlines, tables.overrides
_COLUMNS = [_attempts.c[name] for name in Attempt.__struct_fields__]


class Gradebook:
    """Every attempt of every learner: `Gradebook("sqlite:///gradebook.db")`.

    SQLite keeps it in one file, written ahead and synced at each commit, for the processes of one machine;
    `postgresql://user:password@host/database` on a server, for those of many. It can be read while others
    grade. A grader leases what it grades for `lease` seconds, and renews that; an attempt whose grader died
    is free again after them, so that a `kill -9` loses the running grading and nothing that was handed in.

    For any number of threads and processes; after a fork, open it anew. Raises GradebookError whenever the
    database cannot be used, and says what to do; `Unknown` for what is not there.
    """

    def __init__(
        self,
        url: str = "sqlite:///gradebook.db",
        *,
        lease: float = 30,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.lease = lease
        self._now = now
        self._place = database(url, GRADEBOOK)
        self._on_sqlite = self._place.dialect.name == "sqlite"
        # Who waits for SQLite's lock is served by luck; threads of one process can do better.
        self._turn: AbstractContextManager[object] = Lock() if self._on_sqlite else nullcontext()
        driver = "sqlite" if self._on_sqlite else "postgresql+psycopg"
        engine = sa.create_engine(
            sa.make_url(url).set(drivername=driver),
            creator=self._connect,
            pool_pre_ping=True,
            hide_parameters=True,
        )
        sa.event.listen(engine, "begin", _begin)
        self._reader = engine.execution_options(begin="BEGIN")
        self._writer = engine.execution_options(begin=self._place.begin)
        with self._explained(), closing(self._connect()) as raw:
            schema = Schema(tables.PREFIX, tables.VERSION, tables.create(self._place.dialect))
            prepare(raw, self._place, schema)

    def close(self) -> None:
        """Let go of the database."""
        self._writer.dispose()

    # ---- learners

    def enrol(self, id: str, name: str = "") -> Learner:
        """Take a learner in, or give a known one another name; without a name the id is the name."""
        with self._writing() as tx:
            known = tx.execute(sa.select(_learners.c.name).where(_learners.c.id == id)).scalar()
            row = {"id": id, "name": name or known or id, "joined": self._now(), "token": None}
            if known is None:
                tx.execute(self._insert(_learners).values(row).on_conflict_do_nothing())
            elif known != row["name"]:
                tx.execute(_learners.update().where(_learners.c.id == id).values(name=row["name"]))
            return _learner(tx, id)

    def learners(self) -> list[Learner]:
        """All of them, by id."""
        with self._reading() as tx:
            return [Learner(*row) for row in tx.execute(_select(Learner, _learners).order_by(_learners.c.id))]

    def issue(self, learner: str) -> str:
        """A new token for a learner, told this once: only its hash is kept. The former one is void."""
        token = secrets.token_hex(20)
        with self._writing() as tx:
            _learner(tx, learner)
            tx.execute(
                _learners.update().where(_learners.c.id == learner).values(token=_hash(token.encode()))
            )
        return token

    def who(self, token: str) -> Learner | None:
        """Whose token it is; None: nobody's."""
        with self._reading() as tx:
            id = tx.execute(
                sa.select(_learners.c.id).where(_learners.c.token == _hash(token.encode()))
            ).scalar()
            return None if id is None else _learner(tx, id)

    def forget(self, learner: str) -> int:
        """Delete a learner with all that was handed in; gives how many attempts those were.

        What is deleted is overwritten in an SQLite file. Backups made before still hold it.
        """
        with self._writing() as tx:
            _learner(tx, learner)
            for table in (_overrides, _deadlines):
                tx.execute(table.delete().where(table.c.learner == learner))
            gone = tx.execute(_attempts.delete().where(_attempts.c.learner == learner)).rowcount
            tx.execute(_learners.delete().where(_learners.c.id == learner))
        if self._on_sqlite:
            with self._explained(), closing(self._connect()) as raw:
                raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return gone

    # ---- attempts

    def hand_in(self, learner: str, exercise: int, file: str, source: bytes) -> Attempt:
        """Keep a file, to be graded: durable when this returns.

        The same bytes again, with nothing else handed in between, are the same attempt: whoever lost the
        reply may send them once more.
        """
        if exercise not in EXERCISES:
            raise Unknown(f"there is no exercise {exercise}, only {', '.join(map(str, EXERCISES))}")
        code, now = _hash(source), self._now()
        known = EXERCISES[exercise]
        waits = Report(
            exercise,
            known.title,
            file,
            "not run",
            max_points=known.max_points,
            problem="It was received, and is not graded yet.",
        )
        row = {
            "learner": learner,
            "exercise": exercise,
            "file": file,
            "code": code,
            "received": now,
            "state": "queued",
            "grader": "",
            "until": 0.0,
            "tries": 0,
            "edition": "",
            **_result(waits, 0.0),
            "source": source,
        }
        mine = sa.and_(_attempts.c.learner == learner, _attempts.c.exercise == exercise)
        with self._writing() as tx:
            _learner(tx, learner)  # locked: another file of this learner waits
            newest = _select(Attempt, _attempts).where(mine).order_by(_attempts.c.number.desc()).limit(1)
            before = tx.execute(newest).one_or_none()
            if before is not None and (before.code, before.file) == (code, file):
                return Attempt(*before)
            entered: Any = tx.execute(_attempts.insert().values(row).returning(*_COLUMNS)).one()
            return Attempt(*entered)

    def attempts(
        self, learner: str | None = None, exercise: int | None = None, state: State | None = None
    ) -> list[Attempt]:
        """Those of a learner, of an exercise, in a state; oldest first."""
        wanted = {"learner": learner, "exercise": exercise, "state": state}
        which = [_attempts.c[name] == value for name, value in wanted.items() if value is not None]
        with self._reading() as tx:
            found = tx.execute(_select(Attempt, _attempts).where(*which).order_by(_attempts.c.number))
            return [Attempt(*row) for row in found]

    def attempt(self, number: int) -> Attempt:
        """One of them, as it is now."""
        return Attempt(*self._of(number, *_COLUMNS))

    def source(self, number: int) -> bytes:
        """What was handed in."""
        return bytes(self._of(number, _attempts.c.source)[0])

    def report(self, number: int) -> str:
        """The report as documented JSON, valid from the first second: `not run` before there is a result."""
        return str(self._of(number, _attempts.c.report)[0])

    # ---- grading

    def claim(self, grader: str, number: int | None = None) -> Attempt | None:
        """Lease the next attempt that is to be graded, or this one; None when there is none free.

        First those that have no result yet, oldest first. One grader gets it, however close the race.
        `grader`: a name that no other process has.
        """
        now = self._now()
        free = sa.or_(
            _attempts.c.state == "queued", sa.and_(_attempts.c.state == "grading", _attempts.c.until <= now)
        )
        which = sa.select(_attempts.c.number).where(free, tables.to_do)
        if number is not None:
            which = which.where(_attempts.c.number == number)
        which = which.order_by(_attempts.c.edition, _attempts.c.number).limit(1)
        lease = (
            _attempts.update()
            .where(_attempts.c.number == which.with_for_update(skip_locked=True).scalar_subquery(), free)
            .values(state="grading", grader=grader, until=now + self.lease, tries=_attempts.c.tries + 1)
        )
        with self._writing() as tx:
            row = tx.execute(lease.returning(*_COLUMNS)).one_or_none()
        return None if row is None else Attempt(*row)

    def renew(self, grader: str) -> None:
        """Keep all that this grader holds for another lease; often enough, a third of a lease apart."""
        held = (_attempts.c.state == "grading", _attempts.c.grader == grader)
        with self._writing() as tx:
            tx.execute(_attempts.update().where(*held).values(until=self._now() + self.lease))

    def release(self, grader: str) -> None:
        """Queue again what this grader holds, which will not go on with it."""
        held = (_attempts.c.state == "grading", _attempts.c.grader == grader)
        with self._writing() as tx:
            tx.execute(_attempts.update().where(*held).values(state="queued"))

    def settle(self, attempt: Attempt, report: Report, edition: str, seconds: float) -> bool:
        """Keep the result of a claimed attempt, all of it or nothing.

        False when that was lost: another grader took the attempt over, whose result counts, or its learner
        was forgotten. `edition`: what graded it, see `grader.edition`.
        """
        held = (_attempts.c[name] == getattr(attempt, name) for name in ("number", "grader", "tries"))
        if not report.max_points:  # nothing ran
            report = replace(report, max_points=attempt.max_points)
        done = {"state": "done", "edition": edition, **_result(report, seconds)}
        with self._writing() as tx:
            mine = _attempts.update().where(*held, _attempts.c.state == "grading")
            return tx.execute(mine.values(done)).rowcount == 1

    def regrade(self, attempt: Attempt) -> None:
        """Queue an attempt again, unless somebody does already, or did since it was read.

        Its result stands until the new one replaces it.
        """
        this = (_attempts.c[name] == getattr(attempt, name) for name in ("number", "tries", "state"))
        with self._writing() as tx:
            again = _attempts.update().where(*this, _attempts.c.state == "done")
            tx.execute(again.values(state="queued"))

    # ---- what a teacher decides

    def set_deadline(self, deadline: Deadline) -> None:
        """In place of the former one of that exercise (and learner)."""
        row = asdict(deadline)
        with self._writing() as tx:
            if deadline.learner:
                _learner(tx, deadline.learner)
            insert = self._insert(_deadlines).values(row)
            tx.execute(insert.on_conflict_do_update(index_elements=["exercise", "learner"], set_=row))

    def deadlines(self) -> list[Deadline]:
        """By exercise; those for everybody first."""
        with self._reading() as tx:
            rows = tx.execute(
                _select(Deadline, _deadlines).order_by(_deadlines.c.exercise, _deadlines.c.learner)
            )
            return [Deadline(*row) for row in rows]

    def override(self, learner: str, exercise: int, points: int | None, reason: str) -> Override:
        """Say what an exercise counts for a learner, and why; None takes the last word back. All are kept."""
        if exercise not in EXERCISES:
            raise Unknown(f"there is no exercise {exercise}, only {', '.join(map(str, EXERCISES))}")
        if not reason.strip():
            raise ValueError("an override needs a reason: the learner will ask, and so will you in a year")
        word = Override(learner, exercise, points, reason, self._now())
        with self._writing() as tx:
            _learner(tx, learner)
            tx.execute(_overrides.insert().values(asdict(word)))
        return word

    def overrides(self) -> list[Override]:
        """Every word, oldest first."""
        with self._reading() as tx:
            rows = tx.execute(_select(Override, _overrides).order_by(_overrides.c.number))
            return [Override(*row) for row in rows]

    def standing(self, learner: str | None = None, exercise: int | None = None) -> list[Standing]:
        """What counts for each learner and exercise; how that is decided, see `stand`."""
        words = [
            word
            for word in self.overrides()
            if learner in (None, word.learner) and exercise in (None, word.exercise)
        ]
        return stand(self.attempts(learner, exercise), self.deadlines(), words)

    # ---- the whole

    def backup(self, path: Path) -> None:
        """Write a copy, whole and consistent, while others go on: a gradebook itself, with one file.

        On PostgreSQL that is the server's work, and this says how.
        """
        if not self._on_sqlite:
            raise GradebookError(
                "a gradebook in PostgreSQL is saved by the server's own tool, and nothing was written here: "
                f"pg_dump --table='{tables.PREFIX}*' DATABASE > gradebook.sql; psql puts it back"
            )
        if path.exists():
            raise GradebookError(f"{path} is there already, and was left as it is. Choose another name")
        part = path.with_name(path.name + ".part")
        with self._explained(), closing(self._connect()) as raw:
            part.unlink(missing_ok=True)
            with closing(sqlite3.connect(part)) as copy:
                raw.backup(copy)
            os.replace(part, path)

    # ---- within

    def _connect(self) -> Any:
        raw = self._place.connect(patient=True)
        if self._on_sqlite:
            raw.execute("PRAGMA secure_delete = ON")  # who is forgotten is
        return raw

    def _insert(self, table: sa.Table) -> Any:
        """An insert that may meet a row that is there."""
        return (sqlite if self._on_sqlite else postgresql).insert(table)

    def _of(self, number: int, *columns: sa.Column[Any]) -> Any:
        with self._reading() as tx:
            row = tx.execute(sa.select(*columns).where(_attempts.c.number == number)).one_or_none()
        if row is None:
            raise Unknown(f"there is no attempt {number} in this gradebook")
        return row

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with self._explained(), self._reader.begin() as tx:
            yield tx

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with self._turn, self._explained(), self._writer.begin() as tx:
            yield tx

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sa.exc.DBAPIError, self._place.error) as error:
            raise self._place.explained(getattr(error, "orig", error)) from error


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options()["begin"])


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _result(report: Report, seconds: float) -> dict[str, Any]:
    """The columns of a result."""
    kept = {name: getattr(report, name) for name in ("verdict", "medal", "points", "max_points")}
    return {**kept, "report": as_json(report), "seconds": seconds}


def _select(kind: Any, table: sa.Table) -> sa.Select[Any]:
    return sa.select(*(table.c[name] for name in kind.__struct_fields__))


def _learner(tx: sa.Connection, id: str) -> Learner:
    """A learner, for nobody else to change meanwhile."""
    row = tx.execute(_select(Learner, _learners).where(_learners.c.id == id).with_for_update()).one_or_none()
    if row is None:
        raise Unknown(f"there is no learner {id!r} in this gradebook: enrol them first")
    return Learner(*row)
