"""A list of what is to be done, each with the status that its failure means; one loop does it."""

from saga_lab import Cancelled, CompensationFailed, StepFailed
from saga_lab.worlds.systems import MigrationResult

MANUAL = "manual_intervention_required"


def plan(migration, systems):
    router, store, old = systems.router, systems.store, systems.old
    total = migration.total_records
    undo = {"compensate": router.disable_dual_write, "check": router.find}
    yield "dual-write", router.enable_dual_write, (), undo, "failed"
    batches = min(100, total)
    size = total // batches if batches else 0
    for batch in range(batches):
        if batch:
            yield "pause", None, (60,), {}, ""
        stop = total if batch == batches - 1 else (batch + 1) * size
        yield f"copy {batch}", store.copy, (batch * size, stop), {}, "migration_failed"
    yield "verify", store.verify, (), {}, "verification_failed"
    yield "switch", router.switch, (), {"pivot": True, "check": router.find}, MANUAL
    yield "disable", old.disable, (), {}, MANUAL


async def migration_saga(saga, migration, systems):
    for name, action, args, more, status in plan(migration, systems):
        try:
            if action is None:
                await saga.sleep(*args)
                continue
            value = await saga.step(name, action, migration.service_id, *args, **more)
            good = value is not False
        except Cancelled:
            good, status = False, "failed"
        except StepFailed as failure:
            good = False
            if status == MANUAL:
                saga.park(f"{name} by hand, and all that follows", failure)
                return MigrationResult(MANUAL)
        if not good:
            try:
                await saga.compensate()
            except CompensationFailed:
                return MigrationResult(MANUAL)
            return MigrationResult(status)
    try:
        await saga.step("end", systems.router.disable_dual_write, key=saga.key("dual-write"))
    except StepFailed:
        saga.park("dual-write is still on: end it")
        return MigrationResult(MANUAL)
    return MigrationResult("completed")
