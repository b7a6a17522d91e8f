"""Bigger budgets, one letter for all logs that could not be saved, a second log, and a look at what ran before."""

from saga_lab import Cancelled, CompensationFailed, Retry, StepFailed
from saga_lab.worlds.platform import DeploymentResult

PATIENT = Retry(attempts=6, first=1, longest=120)


async def deployment_saga(saga, deployment, platform):
    environments, dns, version, image = (
        platform.environments,
        platform.dns,
        deployment.version,
        deployment.image_tag,
    )
    unsaved = []

    async def log(stage, when, text):
        try:
            name = f"log {stage} {when}"
            await saga.step(name, platform.logs.save, deployment.deployment_id, stage, text, retry=PATIENT)
        except StepFailed:
            unsaved.append(text)

    async def undone(status):
        try:
            await saga.compensate(on_stuck="continue")
        except CompensationFailed:
            return result("manual_intervention_required")
        return result(status)

    def result(status):
        if unsaved:
            saga.park("add to the logs: " + "; ".join(unsaved))
        return DeploymentResult(status)

    async def stage(name, action, *args, **undo):
        try:
            value = await saga.step(name, action, *args, retry=PATIENT, timeout=60, **undo)
        except StepFailed as failure:
            await log(name, "after", f"{name} failed: {failure}")
            raise
        await log(name, "after", f"{name} ended: {value}")
        return value

    copies = {"compensate": environments.rollback}
    try:
        was = await saga.step("what runs", environments.current, "production", retry=PATIENT)
    except StepFailed:
        was = "unknown"
    try:
        await stage("staging", environments.deploy, "staging", version, image, **copies)
        report = await stage("tests", platform.tests.run, "staging", image)
        if not report.passed:
            return await undone("tests_failed")
        await stage("production", environments.deploy, "production", version, image, **copies)
        await log("dns", "plan", f"from {was} to {version}")
        await stage("dns", dns.switch, version, compensate=dns.revert, check=dns.find, pivot=True)
    except (StepFailed, Cancelled):
        return await undone("failed")
    return result("deployed")
