"""Bigger budgets, pauses in pieces and a few seconds longer, one batch of no rows when there are none."""

from saga_lab import Cancelled, CompensationFailed, Retry, StepFailed
from saga_lab.worlds.systems import MigrationResult

PATIENT = Retry(attempts=8, first=1, longest=60)
MANUAL = MigrationResult("manual_intervention_required")


async def migration_saga(saga, migration, systems):
    router, service_id, total = systems.router, migration.service_id, migration.total_records
    try:
        await saga.step(
            "dual-write",
            router.enable_dual_write,
            service_id,
            compensate=router.disable_dual_write,
            retry=PATIENT,
            timeout=120,
        )
    except StepFailed:
        return await back(saga, "failed")
    try:
        for batch, start in enumerate(range(0, total, 11) if total > 100 else range(max(total, 1))):
            for _ in range(5 if batch else 0):
                await saga.sleep(13)
            stop = min(total, start + (11 if total > 100 else 1))
            await saga.step(f"copy-{batch}", systems.store.copy, service_id, start, stop, retry=PATIENT)
    except StepFailed:
        return await back(saga, "migration_failed")
    except Cancelled:
        return await back(saga, "migration_failed")
    try:
        if not await saga.step("verify", systems.store.verify, service_id, retry=PATIENT, timeout=600):
            return await back(saga, "verification_failed")
    except StepFailed:
        return await back(saga, "verification_failed")
    try:
        await saga.step("switch", router.switch, service_id, check=router.find, retry=PATIENT, pivot=True)
        await saga.step("disable", systems.old.disable, service_id, retry=PATIENT)
        await saga.step("end", router.disable_dual_write, key=saga.key("dual-write"), retry=PATIENT)
    except StepFailed as failure:
        saga.park("the rest of the migration, forward", failure)
        return MANUAL
    return MigrationResult("completed")


async def back(saga, status):
    try:
        await saga.compensate()
    except CompensationFailed:
        return MANUAL
    return MigrationResult(status)
