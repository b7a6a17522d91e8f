# M-G12 a name drawn outside the journal | fault: environments.deploy[staging]:crash-after | breaks: S-10 | says: same
from random import randbytes

from saga_lab import Cancelled, CompensationFailed, StepFailed
from saga_lab.worlds.platform import DeploymentResult


async def deployment_saga(saga, deployment, platform):
    version, image = deployment.version, deployment.image_tag
    environments, dns = platform.environments, platform.dns

    async def stage(name, action, *args, **how):
        try:
            value = await saga.step(name, action, *args, **how)
        except (StepFailed, Cancelled) as failure:
            await log(name, str(failure))
            raise
        await log(name, str(value))
        return value

    async def log(name, text):
        try:
            await saga.step(f"log {name}", platform.logs.save, deployment.deployment_id, name, text)
        except StepFailed as failure:
            saga.park(f"save the log of stage {name}: {text}", failure)

    async def undone(status):
        try:
            await saga.compensate(on_stuck="continue")
        except CompensationFailed:
            return DeploymentResult("manual_intervention_required")
        return DeploymentResult(status)

    await log("staging", f"try {randbytes(8).hex()}")
    copies = {"compensate": environments.rollback, "check": environments.find}
    try:
        await stage("staging", environments.deploy, "staging", version, image, **copies)
        report = await stage("tests", platform.tests.run, "staging", image)
        if not report.passed:
            return await undone("tests_failed")
        await stage("production", environments.deploy, "production", version, image, **copies)
        await stage("dns", dns.switch, version, compensate=dns.revert, check=dns.find, pivot=True)
    except (StepFailed, Cancelled):
        return await undone("failed")
    return DeploymentResult("deployed")
