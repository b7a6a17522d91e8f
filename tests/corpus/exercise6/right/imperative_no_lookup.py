"""By hand, phase after phase, without a single look-up; the old store goes before dual-write does."""

from saga_lab import StepFailed
from saga_lab.worlds.systems import MigrationResult

MANUAL = "manual_intervention_required"


async def migration_saga(saga, migration, systems):
    service_id, total = migration.service_id, migration.total_records

    async def back(status):
        try:
            await saga.step("off", systems.router.disable_dual_write, key=saga.key("on"))
        except StepFailed as failure:
            saga.park("end dual-write", failure)
            return MigrationResult(MANUAL)
        return MigrationResult(status)

    try:
        await saga.step("on", systems.router.enable_dual_write, service_id)
    except StepFailed:
        return await back("failed")

    size = -(-total // 100)
    start = 0
    while start < total:
        if start:
            await saga.sleep(60)
        stop = min(start + size, total)
        try:
            await saga.step(f"copy from {start}", systems.store.copy, service_id, start, stop)
        except StepFailed:
            return await back("migration_failed")
        start = stop

    try:
        same = await saga.step("compare", systems.store.verify, service_id)
    except StepFailed:
        return await back("verification_failed")
    if not same:
        return await back("verification_failed")

    try:
        await saga.step("switch", systems.router.switch, service_id, pivot=True)
    except StepFailed as failure:
        saga.park("find out where the traffic goes; then go on from there", failure)
        return MigrationResult(MANUAL)
    try:
        await saga.step("old off", systems.old.disable, service_id)
    except StepFailed as failure:
        saga.park("disable the old store, then end dual-write", failure)
        return MigrationResult(MANUAL)
    try:
        await saga.step("off", systems.router.disable_dual_write, key=saga.key("on"))
    except StepFailed as failure:
        saga.park("end dual-write", failure)
        return MigrationResult(MANUAL)
    return MigrationResult("completed")
