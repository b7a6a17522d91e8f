"""A small class keeps what is to be taken back, as an exit stack would; a stuck one stops it."""

from saga_lab import Cancelled, StepFailed
from saga_lab.worlds.platform import DeploymentResult


class Deployment:
    def __init__(self, saga, deployment, platform):
        self.saga, self.request, self.platform = saga, deployment, platform
        self.undos = []

    async def stage(self, name, action, *args, undo=None):
        if undo:
            self.undos.append((name, undo))
        text = "cut off"
        try:
            value = await self.saga.step(name, action, *args)
            text = f"{name}: {value}"
            return value
        except StepFailed as failure:
            text = f"{name}: {failure}"
            raise
        finally:
            await self.log(name, text)

    async def log(self, name, text):
        save = self.platform.logs.save
        try:
            await self.saga.step(f"log of {name}", save, self.request.deployment_id, name, text)
        except StepFailed as failure:
            self.saga.park(f"write into the log: {text!r} -- {text}", failure)

    async def unwind(self, status):
        while self.undos:
            name, undo = self.undos[-1]
            try:
                await self.saga.step(f"undo of {name}", undo, key=self.saga.key(name))
            except StepFailed as failure:
                self.saga.park(f"undo by hand, from the end: {[name for name, _ in self.undos]}", failure)
                return DeploymentResult("manual_intervention_required")
            self.undos.pop()
        return DeploymentResult(status)


async def deployment_saga(saga, deployment, platform):
    environments, dns = platform.environments, platform.dns
    version, image = deployment.version, deployment.image_tag
    out = Deployment(saga, deployment, platform)
    try:
        await out.stage("staging", environments.deploy, "staging", version, image, undo=environments.rollback)
        report = await out.stage("tests", platform.tests.run, "staging", image)
        if not report.passed:
            return await out.unwind("tests_failed")
        await out.stage(
            "production", environments.deploy, "production", version, image, undo=environments.rollback
        )
        await out.stage("dns", dns.switch, version, undo=dns.revert)
    except (StepFailed, Cancelled):
        return await out.unwind("failed")
    return DeploymentResult("deployed")
