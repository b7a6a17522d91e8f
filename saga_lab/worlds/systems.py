"""The world of exercise 6: an old store that is replaced by a new one while a client goes on writing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol

import msgspec
from msgspec import Struct

from saga_lab.context import Lookup
from saga_lab.errors import Refused
from saga_lab.worlds.service import Service, action, operations, read, undo
from saga_lab.worlds.variation import USUAL, Variation
from saga_lab.worlds.world import Case, Rival, World, named

MINUTE = 60.0


@dataclass
class MigrationRequest:
    """A service whose `total_records` rows move to the new store."""

    migration_id: str
    service_id: str
    total_records: int


@dataclass
class MigrationResult:
    """`status`: completed, failed, migration_failed, verification_failed or manual_intervention_required."""

    status: str


# ---- what a saga sees


class Router(Protocol):
    """Sends reads to one store, and writes to it too, or to both while dual-write is on."""

    async def enable_dual_write(self, key: str, service_id: str) -> None: ...
    async def disable_dual_write(self, key: str) -> None: ...
    async def switch(self, key: str, service_id: str) -> None: ...
    async def find(self, key: str) -> Lookup: ...


class Store(Protocol):
    """The new store: copies rows [start, stop) from the old one, what is absent or older; safe to repeat."""

    async def copy(self, key: str, service_id: str, start: int, stop: int) -> int: ...
    async def verify(self, key: str, service_id: str) -> bool: ...


class Old(Protocol):
    """The old store; switching it off is safe to repeat."""

    async def disable(self, key: str, service_id: str) -> None: ...


class Systems(Protocol):
    """The services of a migration."""

    router: Router
    store: Store
    old: Old


# ---- the rows


class Row(NamedTuple):
    """A version of a row, from 1 on; a deleted row leaves its mark. `sound`: its content came over whole."""

    version: int
    deleted: bool = False
    sound: bool = True


class Rows:
    """One service's rows, by position, in both stores; what was acknowledged to the client is `newest`.

    A store is compared with what was acknowledged row by row as rows change, so that a ledger need not
    look at them all. `damaged`: a position that never comes over whole.
    """

    def __init__(self, count: int, damaged: int | None = None) -> None:
        self.damaged = damaged
        self.newest = [Row(1)] * count
        self.stores: dict[str, list[Row | None]] = {"old": [*self.newest], "new": [None] * count}
        self.behind: dict[str, set[int]] = {"old": set(), "new": set(range(count))}

    def write(self, position: int, stores: Iterable[str], *, deleted: bool = False) -> None:
        """The client writes or deletes a row; a position at the end appends one."""
        if position == len(self.newest):
            self.newest.append(Row(0))
            for rows in self.stores.values():
                rows.append(None)
        row = Row(self.newest[position].version + 1, deleted)
        self.newest[position] = row
        for store in self.stores:
            if store in stores:
                self._take(store, position, row)
            self._compare(store, position)

    def copy(self, position: int) -> bool:
        """From the old store to the new one, unless the new one has it, or newer; says whether it did."""
        row, there = self.stores["old"][position], self.stores["new"][position]
        if row is None or (there is not None and there.version >= row.version):
            return False
        self._take("new", position, row)
        self._compare("new", position)
        return True

    def _take(self, store: str, position: int, row: Row) -> None:
        whole = store == "old" or position != self.damaged
        self.stores[store][position] = row if whole else row._replace(sound=False)

    def _compare(self, store: str, position: int) -> None:
        if self.stores[store][position] == self.newest[position]:
            self.behind[store].discard(position)
        else:
            self.behind[store].add(position)


# ---- what the services are


class _Router(Service):
    def __init__(self, service_id: str) -> None:
        super().__init__()
        self.service_id = service_id
        self.routing = "old"
        self.dual_write_by = ""
        self.began: float | None = None

    def ledger(self) -> Any:
        return {"routing": self.routing, "dual write": bool(self.dual_write_by), "by": self.dual_write_by}

    @property
    def writes_to(self) -> tuple[str, ...]:
        return ("old", "new") if self.dual_write_by else (self.routing,)

    @action("compensable")
    def enable_dual_write(self, key: str, service_id: str) -> None:
        self.known(service_id)
        if self.dual_write_by:
            raise Refused(f"{service_id} is being migrated already", "taken")
        self.dual_write_by = key
        self.began = self.now if self.began is None else self.began

    @undo("enable_dual_write")
    def disable_dual_write(self, key: str) -> None:
        self.dual_write_by = ""

    @action("pivot")
    def switch(self, key: str, service_id: str) -> None:
        self.known(service_id)
        self.routing = "new"

    def known(self, service_id: str) -> None:
        """Raises Refused for a service that is not here."""
        if service_id != self.service_id:
            raise Refused(f"there is no service {service_id}", "unknown")


class _Store(Service):
    def __init__(self, router: _Router, rows: Rows) -> None:
        super().__init__()
        self.router = router
        self.rows = rows
        self.copied: dict[str, tuple[int, int]] = {}

    def ledger(self) -> Any:
        """`copied`: positions [start, stop) by copy key. `behind`: rows that are absent, old or damaged."""
        behind = self.rows.behind["new"]
        return {"rows": len(self.rows.newest), "behind": len(behind), "copied": dict(self.copied)}

    @action("retriable", look_up=False)
    def copy(self, key: str, service_id: str, start: int, stop: int) -> int:
        self.router.known(service_id)
        if not 0 <= start <= stop <= len(self.rows.newest):
            raise Refused(f"there are no rows from {start} up to {stop}", "bad_argument")
        self.copied[key] = (start, stop)
        return sum(self.rows.copy(place) for place in range(start, stop))

    @read(refusable=True)
    def verify(self, key: str, service_id: str) -> bool:
        self.router.known(service_id)
        return not self.rows.behind["new"]


class _Old(Service):
    def __init__(self, router: _Router, rows: Rows) -> None:
        super().__init__()
        self.router = router
        self.rows = rows
        self.enabled = True

    def ledger(self) -> Any:
        return {"enabled": self.enabled, "behind": len(self.rows.behind["old"])}

    @action("retriable", look_up=False)
    def disable(self, key: str, service_id: str) -> None:
        self.router.known(service_id)
        self.enabled = False


# ---- the client, and the world

SCRIPT = (
    (0.5 * MINUTE, "write", 0),
    (1.5 * MINUTE, "delete", 3),
    (2.5 * MINUTE, "append", 0),
    (3.5 * MINUTE, "write", 4),
    (5.5 * MINUTE, "write", 1),
    (30.5 * MINUTE, "write", 40),
    (60.5 * MINUTE, "append", 0),
    (98.5 * MINUTE, "delete", 0),
    (100.5 * MINUTE, "write", 98),
)
"""What the live client does, counted from when dual-write first began: to which row, if there is one.

It leaves row 2 alone, and most others.
"""


def _write(world: SystemsWorld, about: str) -> bool:
    return world.write(0)


def _delete(world: SystemsWorld, about: str) -> bool:
    return world.write(0, deleted=True)


SECOND_TRY = "second-try"


def _cases(variation: Variation) -> Iterator[Case]:
    """Most are named after their rows, so that number does not vary."""
    for case, rows, says, faults in [
        ("5-rows", 5, "five rows", True),
        ("row-differs", 1, "one row, which never comes over whole", True),
        (SECOND_TRY, 5, "five rows, of which an earlier migration that failed has left old copies", False),
        *((str(rows), rows, f"{rows} rows", False) for rows in (0, 1, 50, 99, 250, 1003)),
    ]:
        request = MigrationRequest(variation.name("migration-001"), variation.name("orders"), rows)
        yield Case(case, request, says, faults)


class SystemsWorld(World):
    """Both stores during one run, and a client that writes all the while."""

    name = "systems"
    function = "migration_saga"
    services_type = Systems
    request_type = MigrationRequest
    result_type = MigrationResult
    operations = operations(
        {"router": _Router, "store": _Store, "old": _Old},
        ["router.enable_dual_write", "store.copy", "store.verify", "router.switch", "old.disable"],
    )
    cases: ClassVar = named(_cases(USUAL))
    rivals: ClassVar = {
        "write": Rival("the client writes the first row", _write),
        "delete": Rival("the client deletes the first row", _delete),
    }

    def __init__(self, case: str = "") -> None:
        super().__init__(case)
        request: MigrationRequest = self.case.request
        self.rows = Rows(request.total_records, 0 if self.case.name == "row-differs" else None)
        self.router = _Router(request.service_id)
        self.old = _Old(self.router, self.rows)
        store = _Store(self.router, self.rows)
        self.services = {"router": self.router, "store": store, "old": self.old}
        self.acknowledged = 0
        self.played = 0
        if self.case.name == SECOND_TRY:
            self._fail_once(request.service_id)

    def _fail_once(self, service_id: str) -> None:
        """Another migration copied three rows and ended; then the client wrote to the old store alone."""
        key = "an earlier migration"
        self.router.enable_dual_write(key, service_id)
        self.services["store"].copy(key, service_id, 0, 3)
        self.router.disable_dual_write(key)
        self.services["store"].copied.clear()
        self.router.began = None
        self.write(1)

    @classmethod
    def told(cls, variation: Variation) -> Mapping[str, Case]:
        return named(_cases(variation))

    @staticmethod
    def saga_id(request: MigrationRequest) -> str:
        return request.migration_id

    def ledgers(self) -> dict[str, Any]:
        """The services, and the client: `unreadable` rows are lost, old, or deleted ones come back."""
        reachable = self.router.routing == "new" or self.old.enabled
        lost = len(self.rows.behind[self.router.routing] if reachable else self.rows.newest)
        return super().ledgers() | {"client": {"acknowledged": self.acknowledged, "unreadable": lost}}

    def write(self, position: int, *, deleted: bool = False) -> bool:
        """The client writes; it is acknowledged when every store that has to take it did."""
        stores = self.router.writes_to
        if "old" in stores and not self.old.enabled:
            return False
        self.rows.write(position, stores, deleted=deleted)
        self.acknowledged += 1
        return True

    def due(self) -> float | None:
        if self.router.began is None or self.played == len(SCRIPT):
            return None
        return round(self.router.began + SCRIPT[self.played][0], 3)

    def pass_time(self) -> bool:
        """Let the client do what its script says by now."""
        changed = False
        while (due := self.due()) is not None and due <= self.now:
            _, deed, position = SCRIPT[self.played]
            self.played += 1
            count = len(self.rows.newest)
            if deed == "append" or position < count:
                place = count if deed == "append" else position
                changed |= self.write(place, deleted=deed == "delete")
        return changed


# ---- the seed's JSON


class _MigrationJson(Struct, rename="camel"):
    migration_id: str
    service_id: str
    total_records: int


def migration_from_json(text: str | bytes) -> MigrationRequest:
    """Read a migration as the web sends it, in camelCase. Raises ValueError when it is none."""
    asked = msgspec.json.decode(text, type=_MigrationJson)
    return MigrationRequest(asked.migration_id, asked.service_id, asked.total_records)


def result_to_json(result: MigrationResult) -> bytes:
    """Write a result as the web expects it."""
    return msgspec.json.encode(result)
