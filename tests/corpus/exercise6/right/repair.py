"""What differs is copied once more, all of it, and compared again, before the migration is given up."""

from datetime import timedelta

from saga_lab import Cancelled, CompensationFailed, SagaContext, StepFailed
from saga_lab.worlds.systems import MigrationRequest, MigrationResult, Systems

MANUAL = MigrationResult("manual_intervention_required")


async def migration_saga(saga: SagaContext, migration: MigrationRequest, systems: Systems) -> MigrationResult:
    router, store, service_id = systems.router, systems.store, migration.service_id
    total, batches = migration.total_records, min(100, migration.total_records)

    stopped = "failed"  # what a failure means here
    consistent = False
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
            # Each batch ends where the next one begins, so no remainder is left over.
            start, stop = total * batch // batches, total * (batch + 1) // batches
            await saga.step(f"copy {batch}", store.copy, service_id, start, stop)
        stopped = "verification_failed"
        consistent = await saga.step("verify", store.verify, service_id)
        if not consistent and total:
            await saga.sleep(timedelta(minutes=1))
            await saga.step("copy again", store.copy, service_id, 0, total)
            consistent = await saga.step("verify again", store.verify, service_id)
    except StepFailed:
        pass  # no answer is no consent
    except Cancelled:
        stopped = "failed"
    if not consistent:
        try:
            await saga.compensate()  # the rows stay in the new store: nobody reads them there
        except CompensationFailed:  # the kernel has written the dead letter
            return MANUAL
        return MigrationResult(stopped)

    try:
        # The pivot, without an undo: new writes may live in the new store alone.
        await saga.step("switch", router.switch, service_id, check=router.find, pivot=True)
    except StepFailed as failure:  # both stores take every write until a person knows which one is read
        saga.park("see where the traffic goes, and finish the switch or end dual-write", failure)
        return MANUAL

    try:
        # A step forward, though by the undo's name: it goes by the key that began it.
        await saga.step("end dual-write", router.disable_dual_write, key=saga.key("dual-write"))
        await saga.step("disable old", systems.old.disable, service_id)
    except StepFailed as failure:
        saga.park("the traffic is switched: end dual-write, then disable the old store", failure)
        return MANUAL
    return MigrationResult("completed")
