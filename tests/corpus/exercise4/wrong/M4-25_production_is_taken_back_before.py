# M4-25 production is taken back before DNS | fault: dns.switch:lost* | breaks: E4-S4 | says: before it was known that DNS is back
from saga_lab import InDoubt, StepFailed
from saga_lab.worlds.platform import DeploymentResult


async def deployment_saga(saga, deployment, platform):
    version, image = deployment.version, deployment.image_tag
    environments, dns = platform.environments, platform.dns
    undos = []

    async def stage(name, action, *args, undo=None):
        try:
            value = await saga.step(name, action, *args)
        except StepFailed as failure:
            if undo and isinstance(failure, InDoubt):
                undos.append((name, undo))
            await log(name, str(failure))
            raise
        if undo:
            undos.append((name, undo))
        await log(name, str(value))
        return value

    async def log(name, text):
        try:
            await saga.step(f"log {name}", platform.logs.save, deployment.deployment_id, name, text)
        except StepFailed as failure:
            saga.park(f"save the log of stage {name}: {text}", failure)

    async def undone(status):
        for name, undo in sorted(undos, key=lambda undo: undo[0] != "production"):
            try:
                await saga.step(f"undo {name}", undo, key=saga.key(name))
            except StepFailed as failure:
                saga.park(f"undo {name} and all before it by hand", failure)
                return DeploymentResult("manual_intervention_required")
        return DeploymentResult(status)

    roll_back = environments.rollback
    try:
        await stage("staging", environments.deploy, "staging", version, image, undo=roll_back)
        report = await stage("tests", platform.tests.run, "staging", image)
        if not report.passed:
            return await undone("tests_failed")
        await stage("production", environments.deploy, "production", version, image, undo=roll_back)
        await stage("dns", dns.switch, version, undo=dns.revert)
    except StepFailed:
        return await undone("failed")
    return DeploymentResult("deployed")
