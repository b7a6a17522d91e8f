"""Tests that gave no answer are run once more; they change nothing."""

from typing import Any

from saga_lab import Cancelled, CompensationFailed, InDoubt, SagaContext, StepFailed
from saga_lab.worlds.platform import DeploymentRequest, DeploymentResult, Platform


async def deployment_saga(
    saga: SagaContext, deployment: DeploymentRequest, platform: Platform
) -> DeploymentResult:
    version, image_tag = deployment.version, deployment.image_tag
    environments, dns = platform.environments, platform.dns

    async def stage(name: str, action: Any, *args: Any, **how: Any) -> Any:
        try:
            value = await saga.step(name, action, *args, **how)
        except (StepFailed, Cancelled) as failure:
            await log(name, str(failure))
            raise
        await log(name, str(value))
        return value

    async def log(stage: str, text: str) -> None:
        try:
            await saga.step(f"log {stage}", platform.logs.save, deployment.deployment_id, stage, text)
        except StepFailed as failure:  # it stops nothing, and its text is not lost
            saga.park(f"save the log of stage {stage}: {text}", failure)
        except Cancelled:  # raised once, so the log is saved all the same, and then all is undone
            await log(stage, text)
            raise

    async def undone(status: str) -> DeploymentResult:
        try:
            # A stuck environment does not keep the other, but production stays while DNS may point to it.
            await saga.compensate(on_stuck="continue")
        except CompensationFailed:  # the kernel has written the dead letters
            return DeploymentResult("manual_intervention_required")
        return DeploymentResult(status)

    copies = {"compensate": environments.rollback, "check": environments.find}
    try:
        await stage("staging", environments.deploy, "staging", version, image_tag, **copies)
        try:
            report = await stage("tests", platform.tests.run, "staging", image_tag)
        except InDoubt:
            report = await saga.step("tests, again", platform.tests.run, "staging", image_tag)
        if not report.passed:
            return await undone("tests_failed")
        await stage("production", environments.deploy, "production", version, image_tag, **copies)
        # The pivot. The new version runs beside the old one, so nobody notices before this, nor after.
        await stage("dns", dns.switch, version, compensate=dns.revert, check=dns.find, pivot=True)
    except (StepFailed, Cancelled):  # tests that gave no answer have not failed: nobody knows
        return await undone("failed")
    return DeploymentResult("deployed")
