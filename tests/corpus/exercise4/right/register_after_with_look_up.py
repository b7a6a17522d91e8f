"""An undo is noted after the call; a call without an answer is looked up first, and noted unless undone."""

from saga_lab import InDoubt, StepFailed
from saga_lab.worlds.platform import DeploymentResult


async def deployment_saga(saga, deployment, platform):
    environments, dns = platform.environments, platform.dns
    version, image = deployment.version, deployment.image_tag
    done = []

    async def log(stage, text):
        try:
            await saga.step(f"{stage}-log", platform.logs.save, deployment.deployment_id, stage, text)
        except StepFailed as failure:
            saga.park(f"log of {stage}: {text}", failure)

    async def stage(name, action, find, undo, *args):
        try:
            await saga.step(name, action, *args)
        except InDoubt as failure:
            state = await look_up(name, find)
            await log(name, f"{failure}; found: {state}")
            if state != "undone":
                done.append((name, undo))
            if state != "done":
                raise
            return
        except StepFailed as failure:
            await log(name, str(failure))
            raise
        done.append((name, undo))
        await log(name, "done")

    async def look_up(name, find):
        try:
            return (await saga.step(f"{name}-find", find, key=saga.key(name))).state
        except StepFailed:
            return "unseen"

    async def take_back(status):
        for name, undo in reversed(done):
            try:
                await saga.step(f"{name}-undo", undo, key=saga.key(name))
            except StepFailed as failure:
                saga.park(f"{name} and what is below it are yours", failure)
                return DeploymentResult("manual_intervention_required")
        return DeploymentResult(status)

    copies = environments.deploy, environments.find, environments.rollback
    try:
        await stage("staging", *copies, "staging", version, image)
        try:
            report = await saga.step("tests", platform.tests.run, "staging", image)
        except StepFailed as failure:
            await log("tests", str(failure))
            return await take_back("tests_failed")
        await log("tests", f"{report.report_id} passed: {report.passed}")
        if not report.passed:
            return await take_back("tests_failed")
        await stage("production", *copies, "production", version, image)
        await stage("dns", dns.switch, dns.find, dns.revert, version)
    except StepFailed:
        return await take_back("failed")
    return DeploymentResult("deployed")
