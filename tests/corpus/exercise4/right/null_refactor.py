"""The solution with other names, and its pieces outside the function."""

from contextlib import asynccontextmanager

from saga_lab import Cancelled, CompensationFailed, StepFailed
from saga_lab.worlds.platform import DeploymentResult


async def keep(saga, logs, deployment, stage, text):
    try:
        await saga.step(f"keep {stage}", logs.save, deployment.deployment_id, stage, text)
    except StepFailed as failure:
        saga.park(f"not kept, stage {stage}: {text}", failure)
    except Cancelled:
        await keep(saga, logs, deployment, stage, text)
        raise


@asynccontextmanager
async def stage(saga, logs, deployment, name):
    notes = []
    try:
        yield notes
    except (StepFailed, Cancelled) as failure:
        await keep(saga, logs, deployment, name, repr(failure))
        raise
    await keep(saga, logs, deployment, name, " ".join(notes))


async def deployment_saga(saga, deployment, platform):
    result = DeploymentResult("deployed")
    try:
        await bring_out(saga, deployment, platform, result)
    except (StepFailed, Cancelled):
        result.status = "failed"
    if result.status != "deployed":
        try:
            await saga.compensate(on_stuck="continue")
        except CompensationFailed:
            result.status = "manual_intervention_required"
    return result


async def bring_out(saga, deployment, platform, result):
    where, logs = platform.environments, platform.logs
    for name in ("staging", "production"):
        async with stage(saga, logs, deployment, name) as notes:
            args = name, deployment.version, deployment.image_tag
            step = saga.step(name, where.deploy, *args, compensate=where.rollback, check=where.find)
            notes.append(await step)
        if name == "staging":
            async with stage(saga, logs, deployment, "tests") as notes:
                report = await saga.step("tests", platform.tests.run, "staging", deployment.image_tag)
                notes.append(f"{report.report_id} {report.passed}")
            if not report.passed:
                result.status = "tests_failed"
                return
    async with stage(saga, logs, deployment, "dns") as notes:
        dns, to = platform.dns, deployment.version
        notes.append(
            await saga.step("dns", dns.switch, to, compensate=dns.revert, check=dns.find, pivot=True)
        )
