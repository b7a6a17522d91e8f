# M-G02 a new key on every attempt | fault: store.copy:lost | breaks: E6-S7 | says: copied under two keys
from saga_lab import InDoubt, Retry, StepFailed
from saga_lab.worlds.systems import MigrationResult

MANUAL = MigrationResult("manual_intervention_required")


async def migration_saga(saga, migration, systems):
    router, store, service_id = systems.router, systems.store, migration.service_id
    total, batches = migration.total_records, min(100, migration.total_records)

    async def back(status):
        try:
            await saga.step("end", router.disable_dual_write, key=saga.key("dual-write"))
        except StepFailed as failure:
            saga.park("end dual-write", failure)
            return MANUAL
        return MigrationResult(status)

    try:
        await saga.step("dual-write", router.enable_dual_write, service_id)
    except StepFailed:
        return await back("failed")
    for batch in range(batches):
        if batch:
            await saga.sleep(60)
        start, stop = total * batch // batches, total * (batch + 1) // batches
        for attempt in range(4):
            name = f"copy {batch} attempt {attempt}"
            try:
                await saga.step(name, store.copy, service_id, start, stop, retry=Retry(attempts=1))
                break
            except StepFailed:
                continue
        else:
            return await back("migration_failed")
    try:
        consistent = await saga.step("verify", store.verify, service_id)
    except StepFailed:
        consistent = False
    if not consistent:
        return await back("verification_failed")
    try:
        await saga.step("switch", router.switch, service_id, check=router.find, pivot=True)
    except InDoubt as failure:
        saga.park("see where the traffic goes, and go on from there", failure)
        return MANUAL
    except StepFailed:
        return await back("failed")
    try:
        await saga.step("end", router.disable_dual_write, key=saga.key("dual-write"))
        await saga.step("disable old", systems.old.disable, service_id)
    except StepFailed as failure:
        saga.park("end dual-write, then disable the old store", failure)
        return MANUAL
    return MigrationResult("completed")
