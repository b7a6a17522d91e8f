"""An undo stack by hand, also after a cancel; the doubt about the switch is looked up in a step of its own."""

from saga_lab import Cancelled, InDoubt, Refused, StepFailed, Unavailable
from saga_lab.worlds.systems import MigrationResult


class Migration:
    def __init__(self, saga, migration, systems):
        self.saga, self.systems, self.service = saga, systems, migration.service_id
        self.total = migration.total_records
        self.undos = []

    async def prepare(self):
        """The status that a failure means, empty when all went well."""
        saga, store = self.saga, self.systems.store
        phase = "failed"
        try:
            self.undos.append(("on", self.systems.router.disable_dual_write))
            await saga.step("on", self.systems.router.enable_dual_write, self.service)
            phase = "migration_failed"
            batches = min(100, self.total)
            for batch in range(batches):
                if batch:
                    await saga.sleep(60.0)
                first, last = batch * self.total // batches, (batch + 1) * self.total // batches
                await saga.step(f"batch {batch + 1}", store.copy, self.service, first, last)
            phase = "verification_failed"
            return "" if await saga.step("verify", store.verify, self.service) else phase
        except (StepFailed, Cancelled):
            return phase

    async def unwind(self, status):
        for name, undo in reversed(self.undos):
            try:
                await self.saga.step(f"undo {name}", undo, key=self.saga.key(name))
            except StepFailed as failure:
                self.saga.park(f"{name} could not be undone: do it", failure)
                status = "manual_intervention_required"
        return status

    async def switch(self):
        saga, router = self.saga, self.systems.router
        try:
            await saga.step("switch", router.switch, self.service, pivot=True)
        except (Refused, Unavailable):
            return "no"
        except InDoubt:
            try:
                found = await saga.step("look", router.find, key=saga.key("switch"))
            except StepFailed:
                return "in doubt"
            return {"done": "yes", "undone": "no", "unseen": "in doubt"}[found.state]
        return "yes"


async def migration_saga(saga, migration, systems):
    work = Migration(saga, migration, systems)
    if status := await work.prepare():
        return MigrationResult(await work.unwind(status))
    switched = await work.switch()
    if switched == "no":
        return MigrationResult(await work.unwind("failed"))
    if switched == "in doubt":
        saga.park("nobody knows whether the traffic is switched: look, and finish by hand")
        return MigrationResult("manual_intervention_required")
    try:
        await saga.step("old", systems.old.disable, migration.service_id)
    except StepFailed as failure:
        saga.park("disable the old store", failure)
        await work.unwind("")
        return MigrationResult("manual_intervention_required")
    return MigrationResult(await work.unwind("completed"))
