"""Nothing is registered before a call; a doubt about dual-write is looked up, and goes on when it is on."""

from saga_lab import InDoubt, StepFailed
from saga_lab.worlds.systems import MigrationResult

MANUAL = MigrationResult("manual_intervention_required")


async def migration_saga(saga, migration, systems):
    router, service_id, total = systems.router, migration.service_id, migration.total_records

    async def known(name):
        found = await saga.step(f"find {name}", router.find, key=saga.key(name))
        return found.state

    async def end(status):
        try:
            await saga.step("end", router.disable_dual_write, key=saga.key("dual-write"))
        except StepFailed as failure:
            saga.park("end dual-write", failure)
            return MANUAL
        return MigrationResult(status)

    try:
        await saga.step("dual-write", router.enable_dual_write, service_id)
    except InDoubt:
        try:
            if await known("dual-write") != "done":
                return await end("failed")
        except StepFailed:
            return await end("failed")
    except StepFailed:
        return MigrationResult("failed")

    batches = min(total, 100)
    try:
        for batch in range(batches):
            bounds = [total * edge // batches for edge in (batch, batch + 1)]
            await saga.step(f"copy {batch}", systems.store.copy, service_id, *bounds)
            if batch < batches - 1:
                await saga.sleep(60)
    except StepFailed:
        return await end("migration_failed")
    try:
        same = await saga.step("verify", systems.store.verify, service_id)
        if not same:  # asking once more costs nothing
            await saga.sleep(5)
            same = await saga.step("verify again", systems.store.verify, service_id)
    except StepFailed:
        same = False
    if not same:
        return await end("verification_failed")

    try:
        await saga.step("switch", router.switch, service_id)
    except InDoubt as doubt:
        try:
            switched = await known("switch")
        except StepFailed:
            switched = "unseen"
        if switched != "done":
            saga.park("find out whether the switch happened", doubt)
            return MANUAL
    except StepFailed:
        return await end("failed")
    result = await end("completed")
    try:
        await saga.step("disable", systems.old.disable, service_id)
    except StepFailed as failure:
        saga.park("disable the old store", failure)
        return MANUAL
    return result
