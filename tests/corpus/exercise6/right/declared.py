"""What is before the copies and what is behind the switch is declared as data."""

from datetime import timedelta

from saga_lab import Cancelled, CompensationFailed, Saga, Step, StepFailed
from saga_lab.worlds.systems import MigrationResult

MANUAL = "manual_intervention_required"


def service(migration, results):
    return (migration.service_id,)


def beginning(router):
    return Saga(
        "beginning",
        [
            Step(
                "dual-write",
                router.enable_dual_write,
                args=service,
                compensate=router.disable_dual_write,
                check=router.find,
            )
        ],
    )


def ending(systems):
    return Saga(
        "ending",
        [
            Step("switch", systems.router.switch, args=service, check=systems.router.find, pivot=True),
            Step("disable", systems.old.disable, args=service),
        ],
    )


async def migration_saga(saga, migration, systems):
    total, count = migration.total_records, min(100, migration.total_records)
    failing = "failed"
    try:
        await beginning(systems.router)(saga, migration)
        failing = "migration_failed"
        for number in range(count):
            if number:
                await saga.sleep(timedelta(minutes=1))
            part = (number * total // count, (number + 1) * total // count)
            await saga.step(f"copy {number}", systems.store.copy, migration.service_id, *part)
        failing = "verification_failed"
        if await saga.step("verify", systems.store.verify, migration.service_id):
            failing = ""
    except CompensationFailed:
        return MigrationResult(MANUAL)
    except (StepFailed, Cancelled):
        pass
    if failing:
        try:
            await saga.compensate()
        except CompensationFailed:
            return MigrationResult(MANUAL)
        return MigrationResult(failing)
    try:
        await ending(systems)(saga, migration)
        await saga.step("end", systems.router.disable_dual_write, key=saga.key("dual-write"))
    except StepFailed as failure:
        saga.park("finish what the switch began", failure)
        return MigrationResult(MANUAL)
    return MigrationResult("completed")
