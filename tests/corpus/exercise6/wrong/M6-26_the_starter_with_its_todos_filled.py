# M6-26 the starter with its TODOs filled in | fault: none | breaks: E6-S7 | says: rows exist only in the old store
"""Exercise 6, advanced: a migration of live data between systems, with zero downtime.

Move a service's rows from the old store to the new one in five phases:

1. enable dual-write mode
2. migrate the historical data, in at most 100 batches with a pause of one minute between them
3. verify that both stores hold the same
4. switch the traffic
5. disable the old system

and take care of three things:

- it runs for hours
- after the traffic switch it cannot be fully rolled back
- a migration may stop half-way

Return MigrationResult("completed"), or MigrationResult with the status failed, migration_failed,
verification_failed or manual_intervention_required. The services are in `saga_lab.worlds.systems`.
Grade it with: saga-lab grade exercise6_data_migration.py
"""

from contextlib import suppress
from datetime import timedelta

from saga_lab import SagaContext, StepFailed
from saga_lab.worlds.systems import MigrationRequest, MigrationResult, Systems


async def migration_saga(saga: SagaContext, migration: MigrationRequest, systems: Systems) -> MigrationResult:
    service_id = migration.service_id

    async def disable_dual_write() -> None:
        with suppress(StepFailed):
            key = saga.key("dual-write")
            await saga.step("end dual-write", systems.router.disable_dual_write, key=key)

    # Phase 1: enable dual-write
    try:
        await saga.step("dual-write", systems.router.enable_dual_write, service_id)
    except StepFailed:
        await disable_dual_write()
        return MigrationResult(status="failed")

    # Phase 2: migrate the historical data (long-running)
    batch_size = migration.total_records // 100
    for batch in range(100):
        start = batch * batch_size
        try:
            await saga.step(f"copy {batch}", systems.store.copy, service_id, start, start + batch_size)
        except StepFailed:
            # COMPENSATE: disable dual-write
            await disable_dual_write()
            return MigrationResult(status="migration_failed")

        # Sleep between batches
        await saga.sleep(timedelta(minutes=1))

    # Phase 3: verify consistency
    try:
        consistent = await saga.step("verify", systems.store.verify, service_id)
    except StepFailed:
        consistent = False
    if not consistent:
        await disable_dual_write()
        return MigrationResult(status="verification_failed")

    # Phase 4: switch the traffic (POINT OF NO RETURN)
    try:
        await saga.step("switch", systems.router.switch, service_id)
    except StepFailed:
        saga.park("see whether the traffic is switched, and disable the old system")
        return MigrationResult(status="manual_intervention_required")

    # Phase 5: disable the old system
    with suppress(StepFailed):
        await saga.step("disable old", systems.old.disable, service_id)

    return MigrationResult(status="completed")
