"""A table of stages and one loop; what may have happened is walked back from its end, as far as is safe."""

from saga_lab import StepFailed
from saga_lab.worlds.platform import DeploymentResult


async def deployment_saga(saga, deployment, platform):
    environments, dns, tests = platform.environments, platform.dns, platform.tests
    version, image = deployment.version, deployment.image_tag
    stages = [
        ("staging", environments.deploy, ("staging", version, image), environments.rollback, "failed"),
        ("tests", tests.run, ("staging", image), None, "tests_failed"),
        ("production", environments.deploy, ("production", version, image), environments.rollback, "failed"),
        ("dns", dns.switch, (version,), dns.revert, "failed"),
    ]
    may_exist = []
    status = "deployed"
    for name, call, arguments, undo, otherwise in stages:
        if undo is not None:
            may_exist.append((name, undo))
        try:
            value = await saga.step(name, call, *arguments)
            good = name != "tests" or value.passed
            text = "done" if good else f"red: {value.report_id}"
        except StepFailed as failure:
            good, text = False, f"failed: {failure}"
        try:
            await saga.step(f"{name} log", platform.logs.save, deployment.deployment_id, name, text)
        except StepFailed:
            saga.park(f"{name}: log not saved: {text}")
        if not good:
            status = otherwise
            break
    else:
        return DeploymentResult(status=status)

    held_by = None
    for name, undo in reversed(may_exist):
        if name == "production" and held_by == "dns":
            continue  # users may still be sent there
        try:
            await saga.step(f"{name} undo", undo, key=saga.key(name))
        except StepFailed as failure:
            held_by = held_by or name
            saga.park(f"{name} is not rolled back ({failure}); remove what {saga.key(name)} put there")
    return DeploymentResult(status="manual_intervention_required" if held_by else status)
