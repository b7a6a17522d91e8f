"""One connection to the database of a journal: opened when needed, and again after any failure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from time import perf_counter
from typing import Any

from msgspec.structs import asdict

from saga_lab.journals.database import Database
from saga_lab.journals.errors import Fenced, JournalError, Stale
from saga_lab.journals.requests import Append, Claim, Forget, Request, Row
from saga_lab.journals.schema import Schema, prepare
from saga_lab.journals.tables import PREFIX, VERSION

Outcome = int | None | BaseException
"""The answer to a request, or what to raise instead."""
_NONE: Mapping[str, Any] = {}


class Connection:
    """Reads, and writes groups of requests in one transaction each. For one thread at a time."""

    def __init__(self, database: Database, patient: bool = True) -> None:
        self._database = database
        self._patient = patient
        self._raw: Any = None
        self.synced_in = 0.0
        """Seconds that the last commit took."""

    def close(self) -> None:
        """Give it up, and with it what was not committed."""
        raw, self._raw = self._raw, None
        if raw is not None:
            raw.close()

    def rows(self, sql: str, parameters: Mapping[str, Any] = _NONE) -> list[tuple[Any, ...]]:
        """What a query finds; raises JournalError."""
        try:
            found: list[tuple[Any, ...]] = self._first(sql, parameters).fetchall()
        except self._database.error as error:
            raise self._failed(error) from error
        return found

    def write(self, group: Sequence[Request]) -> list[Outcome]:
        """Decide and write a group in one transaction. Raises JournalError when nothing can be written.

        A request that breaks the transaction breaks its own only: the group is tried again one by one.
        """
        deciding = False
        # Who holds a lease dies with the machine that may forget it, so that a claim need not be synced.
        relaxed, synced = self._database.synced if _claims_only(group) else ("", "")
        try:
            if relaxed:
                self._first(relaxed)
            self._first(self._database.begin)
            deciding = True
            outcomes = self._decide(group)
            deciding = False
            begun = perf_counter()
            self._raw.execute("COMMIT")
            self.synced_in = perf_counter() - begun
            if synced:
                self._raw.execute(synced)
        except self._database.error as error:
            failure = self._failed(error)
            if not deciding or len(group) == 1:
                raise failure from error
        else:
            return outcomes
        self.rows("SELECT 1")  # without a connection, none of them is tried
        return [self._alone(request) for request in group]

    def prepare(self) -> None:
        """Make the tables if there are none; raises JournalError when the database is not ours to use."""
        try:
            self._first("SELECT 1")
            prepare(self._raw, self._database, Schema(PREFIX, VERSION, self._database.sql.create))
        except self._database.error as error:
            raise self._failed(error) from error

    # ---- within

    def _first(self, sql: str, parameters: Mapping[str, Any] = _NONE) -> Any:
        """The first statement of several. A connection that was lost meanwhile is made anew."""
        if self._raw is not None:
            try:
                return self._raw.execute(sql, parameters)
            except self._database.error:
                if not self._database.lost(self._raw):
                    raise
        self._raw = self._database.connect(self._patient)
        return self._raw.execute(sql, parameters)

    def _failed(self, error: Exception) -> Exception:
        """Nothing is known of a connection after a failure, so it is given up."""
        self.close()
        return self._database.explained(error)

    def _alone(self, request: Request) -> Outcome:
        try:
            return self.write([request])[0]
        except JournalError as failure:
            return failure

    def _decide(self, group: Sequence[Request]) -> list[Outcome]:
        rows = self._lock(list(dict.fromkeys([request.id for request in group])))
        before = [copy(row) for row in rows.values()]
        outcomes: list[Outcome] = []
        events: list[dict[str, Any]] = []
        for request in group:
            row = rows[request.id]
            start = row.version
            try:
                outcomes.append(request.decide(row))
            except (Stale, Fenced) as refusal:
                outcomes.append(refusal)
                continue
            if isinstance(request, Forget):
                self._raw.execute(self._database.sql.forget, {"number": row.number})
                events = [event for event in events if event["saga"] != row.number]
            if isinstance(request, Append):
                for version, body in zip(range(start, row.version), request.bodies, strict=False):
                    events.append({"saga": row.number, "version": version, "body": body})
        advanced: list[dict[str, Any]] = []
        changed: list[dict[str, Any]] = []
        for old, row in zip(before, rows.values(), strict=True):
            if row != old:
                old.version = row.version
                (advanced if row == old else changed).append(asdict(row))
        sql, cursor = self._database.sql, self._raw.cursor()
        for statement, lines in ((sql.advance, advanced), (sql.update, changed), (sql.add, events)):
            if lines:
                cursor.executemany(statement, lines)
        return outcomes

    def _lock(self, ids: Sequence[str]) -> dict[str, Row]:
        """The rows of these sagas, with those that were not there yet, for nobody else to change."""
        rows = self._locked(ids)
        if unknown := [id for id in ids if id not in rows]:
            new = [asdict(Row(0, id, 0, "", 0.0, 0, False, False, False, False)) for id in unknown]
            self._raw.cursor().executemany(self._database.sql.enter, new)
            rows |= self._locked(unknown)
        return rows

    def _locked(self, ids: Sequence[str]) -> dict[str, Row]:
        found = self._raw.execute(self._database.sql.lock, {"ids": self._database.array(ids)})
        return {row.id: row for row in (Row(*fields) for fields in found)}


def _claims_only(group: Sequence[Request]) -> bool:
    return all(isinstance(request, Claim) and not request.bodies for request in group)
