"""The reference with its phases as functions of their own."""

from datetime import timedelta
from itertools import pairwise

from saga_lab import Cancelled, CompensationFailed, StepFailed
from saga_lab.worlds.systems import MigrationResult


def ranges(total):
    count = min(100, total)
    edges = [total * part // count for part in range(count + 1)] if count else []
    return list(pairwise(edges))


async def copy_all(saga, store, service_id, total):
    for number, (start, stop) in enumerate(ranges(total)):
        if number > 0:
            await saga.sleep(timedelta(seconds=60))
        await saga.step(f"rows-{start}", store.copy, service_id, start, stop)


async def finish(saga, systems, service_id):
    try:
        await saga.step("switch", systems.router.switch, service_id, check=systems.router.find, pivot=True)
        await saga.step("end", systems.router.disable_dual_write, key=saga.key("begin"))
        await saga.step("old-off", systems.old.disable, service_id)
    except StepFailed as failure:
        await saga.park("finish the switch, end dual-write, disable the old store", failure)
        return MigrationResult("manual_intervention_required")
    return MigrationResult(status="completed")


async def migration_saga(saga, migration, systems):
    service_id, router = migration.service_id, systems.router
    status = "failed"
    try:
        await saga.step(
            "begin",
            router.enable_dual_write,
            service_id,
            compensate=router.disable_dual_write,
            check=router.find,
        )
        status = "migration_failed"
        await copy_all(saga, systems.store, service_id, migration.total_records)
        status = "verification_failed"
        if await saga.step("verify", systems.store.verify, service_id):
            status = ""
    except StepFailed:
        pass
    except Cancelled:
        status = "failed"
    if not status:
        return await finish(saga, systems, service_id)
    try:
        await saga.compensate()
    except CompensationFailed:
        return MigrationResult("manual_intervention_required")
    return MigrationResult(status)
