"""Try and except at each stage; each undo is one more step under the key of what it takes back."""

from saga_lab import InDoubt, StepFailed
from saga_lab.worlds.platform import DeploymentResult


async def deployment_saga(saga, deployment, platform):
    environments, version, image = platform.environments, deployment.version, deployment.image_tag

    async def log(stage, text):
        try:
            await saga.step(f"log-{stage}", platform.logs.save, deployment.deployment_id, stage, text)
        except StepFailed as failure:
            saga.park(f"the log of {stage} reads: {text}", failure)

    async def back(*stages, status="failed"):
        for stage in stages:
            undo = platform.dns.revert if stage == "dns" else environments.rollback
            try:
                await saga.step(f"undo-{stage}", undo, key=saga.key(stage))
            except StepFailed as failure:
                saga.park(f"take back {', '.join(stages[stages.index(stage) :])} by hand", failure)
                return DeploymentResult("manual_intervention_required")
        return DeploymentResult(status)

    try:
        await saga.step("staging", environments.deploy, "staging", version, image)
    except StepFailed as failure:
        await log("staging", f"not deployed: {failure}")
        return await back("staging") if isinstance(failure, InDoubt) else DeploymentResult("failed")
    await log("staging", "deployed")

    try:
        report = await saga.step("tests", platform.tests.run, "staging", image)
    except StepFailed as failure:
        await log("tests", f"no report: {failure}")
        return await back("staging", status="tests_failed")
    await log("tests", f"{report.report_id}: {'passed' if report.passed else 'red'}")
    if not report.passed:
        return await back("staging", status="tests_failed")

    try:
        await saga.step("production", environments.deploy, "production", version, image)
    except InDoubt as failure:
        await log("production", f"nobody knows: {failure}")
        return await back("production", "staging")
    except StepFailed as failure:
        await log("production", f"not deployed: {failure}")
        return await back("staging")
    await log("production", "deployed")

    try:
        await saga.step("dns", platform.dns.switch, version)
    except InDoubt as failure:
        await log("dns", f"nobody knows: {failure}")
        return await back("dns", "production", "staging")
    except StepFailed as failure:
        await log("dns", f"not switched: {failure}")
        return await back("production", "staging")
    await log("dns", "switched")
    return DeploymentResult("deployed")
