"""A cancel is nobody's failure: it leaves the function, and the kernel takes back what was registered."""

from saga_lab import CompensationFailed, PivotPassed, StepFailed
from saga_lab.worlds.platform import DeploymentResult


async def deployment_saga(saga, deployment, platform):
    version, image = deployment.version, deployment.image_tag
    environments, dns, logs = platform.environments, platform.dns, platform.logs
    said = {}

    async def log(stage):
        try:
            await saga.step(f"log-{stage}", logs.save, deployment.deployment_id, stage, said[stage])
        except StepFailed as failure:
            saga.park(f"{stage}: {said[stage]}", failure)

    async def deploy(environment):
        said[environment] = f"{version} runs"
        try:
            await saga.step(
                environment,
                environments.deploy,
                environment,
                version,
                image,
                compensate=environments.rollback,
            )
        except StepFailed as failure:
            said[environment] = f"{version} does not run: {failure}"
            raise
        finally:
            await log(environment)

    async def test():
        try:
            report = await saga.step("tests", platform.tests.run, "staging", image)
        except StepFailed as failure:
            said["tests"] = f"nobody knows: {failure}"
            return "failed"
        said["tests"] = f"passed: {report.passed}"
        return "" if report.passed else "tests_failed"

    async def point():
        said["dns"] = f"points to {version}"
        try:
            await saga.step("dns", dns.switch, version, compensate=dns.revert, check=dns.find, pivot=True)
        except StepFailed as failure:
            said["dns"] = f"points elsewhere: {failure}"
            raise
        finally:
            await log("dns")

    problem = "failed"
    try:
        await deploy("staging")
        problem = await test()
        await log("tests")
        if not problem:
            problem = "failed"
            await deploy("production")
            await point()
            return DeploymentResult("deployed")
    except StepFailed:
        pass
    try:
        await saga.compensate()
    except (CompensationFailed, PivotPassed):
        return DeploymentResult("manual_intervention_required")
    return DeploymentResult(problem)
