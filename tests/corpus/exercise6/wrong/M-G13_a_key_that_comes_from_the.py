# M-G13 a key that comes from the process | fault: store.copy#2:crash-after | breaks: S-1 | says: After the restart you were a different saga
from datetime import timedelta
from uuid import uuid4

from saga_lab import Cancelled, CompensationFailed, StepFailed
from saga_lab.worlds.systems import MigrationResult

MANUAL = MigrationResult("manual_intervention_required")

PROCESS = uuid4().hex


async def migration_saga(saga, migration, systems):
    router, store, service_id = systems.router, systems.store, migration.service_id
    total, batches = migration.total_records, min(100, migration.total_records)
    stopped, consistent = "failed", False
    try:
        await saga.step(
            "dual-write",
            router.enable_dual_write,
            service_id,
            compensate=router.disable_dual_write,
            check=router.find,
        )
        stopped = "migration_failed"
        for batch in range(batches):
            if batch:
                await saga.sleep(timedelta(minutes=1))
            start, stop = total * batch // batches, total * (batch + 1) // batches

            async def copy(key, start, stop):
                return await store.copy(f"{key}/{PROCESS}", service_id, start, stop)

            await saga.step(f"copy {batch}", copy, start, stop)
        stopped = "verification_failed"
        consistent = await saga.step("verify", store.verify, service_id)
    except StepFailed:
        pass
    except Cancelled:
        stopped = "failed"
    if not consistent:
        try:
            await saga.compensate()
        except CompensationFailed:
            return MANUAL
        return MigrationResult(stopped)

    try:
        await saga.step("switch", router.switch, service_id, check=router.find, pivot=True)
    except StepFailed as failure:
        saga.park("see where the traffic goes, and go on from there", failure)
        return MANUAL

    try:
        await saga.step("end dual-write", router.disable_dual_write, key=saga.key("dual-write"))
        await saga.step("disable old", systems.old.disable, service_id)
    except StepFailed as failure:
        saga.park("end dual-write, then disable the old store", failure)
        return MANUAL
    return MigrationResult("completed")
