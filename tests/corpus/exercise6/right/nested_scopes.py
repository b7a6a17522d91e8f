"""A scope around all that can be taken back; an error of one's own says which status it means."""

from datetime import timedelta

from saga_lab import CompensationFailed, StepFailed
from saga_lab.worlds.systems import MigrationResult


class Stopped(Exception):
    pass


async def migration_saga(saga, migration, systems):
    router, service_id = systems.router, migration.service_id
    try:
        async with saga.scope():
            await prepare(saga, migration, systems)
    except CompensationFailed:
        return MigrationResult("manual_intervention_required")
    except Stopped as stopped:
        return MigrationResult(str(stopped))
    try:
        await saga.step("switch", router.switch, service_id, check=router.find, pivot=True)
        await saga.step("end", router.disable_dual_write, key=saga.key("dual-write"))
        await saga.step("disable", systems.old.disable, service_id)
    except StepFailed as failure:
        saga.park("the migration is ready, or switched already: finish it by hand", failure)
        return MigrationResult("manual_intervention_required")
    return MigrationResult("completed")


async def prepare(saga, migration, systems):
    router, store, service_id = systems.router, systems.store, migration.service_id
    total, count = migration.total_records, min(migration.total_records, 100)
    try:
        await saga.step(
            "dual-write", router.enable_dual_write, service_id, compensate=router.disable_dual_write
        )
    except StepFailed:
        raise Stopped("failed") from None
    try:
        async with saga.scope():
            for part in range(count):
                start, stop = total * part // count, total * (part + 1) // count
                await saga.step(f"copy-{part}", store.copy, service_id, start, stop)
                if part + 1 < count:
                    await saga.sleep(timedelta(minutes=1))
    except StepFailed:
        raise Stopped("migration_failed") from None
    try:
        consistent = await saga.step("verify", store.verify, service_id)
    except StepFailed:
        consistent = False
    if not consistent:
        raise Stopped("verification_failed")
