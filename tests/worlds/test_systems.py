"""The two stores of exercise 6: no acknowledged write is lost, whatever order things come in."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saga_lab import Lookup, Refused
from saga_lab.worlds.systems import (
    SCRIPT,
    MigrationRequest,
    MigrationResult,
    Row,
    SystemsWorld,
    migration_from_json,
    result_to_json,
)
from tests.worlds.asking import ask, refusal

ORDERS = "orders"


def unreadable(world: SystemsWorld) -> int:
    return int(world.ledgers()["client"]["unreadable"])


def test_a_copy_moves_the_rows_of_its_range_and_the_ledger_names_it() -> None:
    systems = SystemsWorld()
    assert ask(systems, "store.copy", "c", ORDERS, 1, 4) == 3
    assert systems.ledgers()["store"] == {"rows": 5, "behind": 2, "copied": {"c": (1, 4)}}
    assert ask(systems, "store.copy", "again", ORDERS, 0, 5) == 2


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (3, 2), (0, 6)])
def test_rows_that_do_not_exist_cannot_be_copied(start: int, stop: int) -> None:
    assert refusal(SystemsWorld(), "store.copy", "c", ORDERS, start, stop) == "bad_argument"


def test_a_copy_overwrites_nothing_newer_and_brings_no_deleted_row_back() -> None:
    systems = SystemsWorld()
    ask(systems, "router.enable_dual_write", "d", ORDERS)
    systems.write(0)
    systems.write(1, deleted=True)
    assert ask(systems, "store.copy", "c", ORDERS, 0, 5) == 3
    assert systems.rows.stores["new"][:3] == [Row(2), Row(2, deleted=True), Row(1)]


def test_without_dual_write_a_copied_row_falls_behind() -> None:
    systems = SystemsWorld()
    ask(systems, "store.copy", "c", ORDERS, 0, 5)
    assert systems.rivals["write"].act(systems, "")
    assert ask(systems, "store.verify", "v", ORDERS) is False
    assert unreadable(systems) == 0
    ask(systems, "router.switch", "s", ORDERS)
    assert unreadable(systems) == 1


def test_a_deleted_row_comes_back_when_the_new_store_never_heard_of_it() -> None:
    systems = SystemsWorld()
    ask(systems, "store.copy", "c", ORDERS, 0, 5)
    assert systems.rivals["delete"].act(systems, "")
    ask(systems, "router.switch", "s", ORDERS)
    assert unreadable(systems) == 1


def test_verification_compares_content_not_counts() -> None:
    systems = SystemsWorld("row-differs")
    assert ask(systems, "store.copy", "c", ORDERS, 0, 1) == 1
    assert ask(systems, "store.verify", "v", ORDERS) is False
    ask(systems, "router.enable_dual_write", "d", ORDERS)
    assert systems.write(0)
    assert ask(systems, "store.verify", "v", ORDERS) is False
    healthy = SystemsWorld()
    ask(healthy, "store.copy", "c", ORDERS, 0, 5)
    assert ask(healthy, "store.verify", "v", ORDERS) is True


def test_a_store_that_is_disabled_while_it_is_read_is_a_total_outage() -> None:
    systems = SystemsWorld()
    ask(systems, "old.disable", "o", ORDERS)
    assert unreadable(systems) == 5
    assert not systems.write(0)


def test_after_the_switch_writes_reach_the_old_store_only_while_dual_write_is_on() -> None:
    systems = SystemsWorld()
    ask(systems, "router.enable_dual_write", "d", ORDERS)
    ask(systems, "store.copy", "c", ORDERS, 0, 5)
    ask(systems, "router.switch", "s", ORDERS)
    systems.write(0)
    assert systems.ledgers()["old"]["behind"] == 0
    ask(systems, "router.disable_dual_write", "d")
    systems.write(0)
    assert systems.ledgers()["old"]["behind"] == 1
    assert unreadable(systems) == 0


def test_dual_write_belongs_to_one_migration_at_a_time() -> None:
    systems = SystemsWorld()
    ask(systems, "router.enable_dual_write", "a", ORDERS)
    assert refusal(systems, "router.enable_dual_write", "b", ORDERS) == "taken"
    ask(systems, "router.disable_dual_write", "a")
    ask(systems, "router.enable_dual_write", "c", ORDERS)
    assert systems.ledgers()["router"] == {"routing": "old", "dual write": True, "by": "c"}


def test_one_look_up_serves_both_operations_of_the_router_by_key() -> None:
    systems = SystemsWorld()
    ask(systems, "router.enable_dual_write", "d", ORDERS)
    assert ask(systems, "router.find", "d") == Lookup("done")
    assert ask(systems, "router.find", "s") == Lookup("unseen")
    ask(systems, "router.switch", "s", ORDERS)
    assert ask(systems, "router.find", "s") == Lookup("done")
    ask(systems, "router.disable_dual_write", "d")
    assert ask(systems, "router.find", "d") == Lookup("undone")


def test_a_later_run_after_a_failed_one_catches_up() -> None:
    systems = SystemsWorld()
    ask(systems, "router.enable_dual_write", "first", ORDERS)
    ask(systems, "store.copy", "first 0", ORDERS, 0, 3)
    ask(systems, "router.disable_dual_write", "first")
    systems.write(0)
    systems.write(1, deleted=True)
    ask(systems, "router.enable_dual_write", "second", ORDERS)
    ask(systems, "store.copy", "second 0", ORDERS, 0, 5)
    assert ask(systems, "store.verify", "v", ORDERS) is True


def test_the_client_begins_with_dual_write_and_plays_its_script_to_the_end() -> None:
    systems = SystemsWorld("99")
    systems.be(1000.0)
    assert systems.due() is None
    ask(systems, "router.enable_dual_write", "d", ORDERS)
    while (due := systems.due()) is not None:
        systems.be(due)
        systems.pass_time()
    assert systems.now == 1000.0 + SCRIPT[-1][0]
    assert systems.ledgers()["client"] == {"acknowledged": len(SCRIPT), "unreadable": 0}
    assert systems.ledgers()["store"]["rows"] == 101


def test_the_client_skips_rows_that_were_never_there() -> None:
    systems = SystemsWorld("0")
    ask(systems, "router.enable_dual_write", "d", ORDERS)
    systems.be(SCRIPT[1][0])
    assert not systems.pass_time()


def test_a_service_that_is_not_here_is_refused() -> None:
    assert refusal(SystemsWorld(), "router.switch", "s", "invoices") == "unknown"


DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["write", "delete", "copy", "on", "off", "switch", "disable"]),
        st.integers(0, 5),
        st.integers(0, 5),
    ),
    max_size=30,
)


@given(DEEDS)
def test_what_the_ledgers_count_is_what_a_look_at_every_row_finds(
    deeds: list[tuple[str, int, int]],
) -> None:
    systems = SystemsWorld()
    for number, (deed, first, second) in enumerate(deeds):
        before = {store: list(rows) for store, rows in systems.rows.stores.items()}
        with suppress(Refused):
            match deed:
                case "write" | "delete":
                    systems.write(min(first, len(systems.rows.newest)), deleted=deed == "delete")
                case "copy":
                    ask(
                        systems,
                        "store.copy",
                        f"copy {number}",
                        ORDERS,
                        min(first, second),
                        max(first, second),
                    )
                case "on":
                    ask(systems, "router.enable_dual_write", f"on {first}", ORDERS)
                case "off":
                    ask(systems, "router.disable_dual_write", f"on {first}")
                case "switch":
                    ask(systems, "router.switch", "switch", ORDERS)
                case "disable":
                    ask(systems, "old.disable", "disable", ORDERS)
        rows, ledgers = systems.rows, systems.ledgers()
        for store in ("old", "new"):
            differ = sum(row != newest for row, newest in zip(rows.stores[store], rows.newest, strict=True))
            assert ledgers[{"old": "old", "new": "store"}[store]]["behind"] == differ
            versions = [(row.version if row else 0) for row in rows.stores[store]]
            assert all(
                now >= (was.version if was else 0) for now, was in zip(versions, before[store], strict=False)
            )


def test_a_migration_and_its_result_are_written_as_the_web_does() -> None:
    text = '{"migrationId": "m", "serviceId": "orders", "totalRecords": 1003}'
    assert migration_from_json(text) == MigrationRequest("m", "orders", 1003)
    with pytest.raises(ValueError, match="totalRecords"):
        migration_from_json('{"migrationId": "m", "serviceId": "orders"}')
    assert result_to_json(MigrationResult("completed")) == b'{"status":"completed"}'
