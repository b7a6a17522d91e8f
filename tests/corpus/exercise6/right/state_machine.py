"""A state machine; a switch that certainly did not happen is given up with everything back."""

from saga_lab import InDoubt, StepFailed
from saga_lab.worlds.systems import MigrationResult

MANUAL = MigrationResult("manual_intervention_required")


async def migration_saga(saga, migration, systems):
    router, store, service_id = systems.router, systems.store, migration.service_id
    total, batches = migration.total_records, max(1, min(100, migration.total_records))
    state, batch, result = "enable", 0, "completed"
    while True:
        try:
            match state:
                case "enable":
                    await saga.step("enable", router.enable_dual_write, service_id)
                    state = "copy"
                case "copy":
                    start, stop = batch * total // batches, (batch + 1) * total // batches
                    await saga.step(f"copy {batch}", store.copy, service_id, start, stop)
                    batch += 1
                    state = "pause" if batch < batches else "verify"
                case "pause":
                    await saga.sleep(60)
                    state = "copy"
                case "verify":
                    same = await saga.step("verify", store.verify, service_id)
                    state, result = ("switch", "completed") if same else ("end", "verification_failed")
                case "switch":
                    await saga.step("switch", router.switch, service_id, check=router.find, pivot=True)
                    state = "end"
                case "end":
                    await saga.step("end", router.disable_dual_write, key=saga.key("enable"))
                    state = "disable" if result == "completed" else "over"
                case "disable":
                    await saga.step("disable", systems.old.disable, service_id)
                    state = "over"
                case "over":
                    return MigrationResult(result)
        except StepFailed as failure:
            match state:
                case "enable":
                    state, result = "end", "failed"
                case "copy":
                    state, result = "end", "migration_failed"
                case "verify":
                    state, result = "end", "verification_failed"
                case "switch" if not isinstance(failure, InDoubt):
                    state, result = "end", "failed"
                case _:
                    saga.park(f"{state} by hand, and what follows", failure)
                    return MANUAL
