"""A scope around each environment: what fails within takes it back on the way out."""

from saga_lab import CompensationFailed, SagaContext, StepFailed
from saga_lab.worlds.platform import DeploymentResult


class Red(Exception):
    """The tests say no."""


async def deployment_saga(saga: SagaContext, deployment, platform):
    environments = platform.environments

    async def logged(stage, step):
        text = "did not come to its end"
        try:
            value = await step
            text = f"done: {value}"
            return value
        except StepFailed as failure:
            text = f"failed: {failure}"
            raise
        finally:
            try:
                await saga.step(f"{stage} log", platform.logs.save, deployment.deployment_id, stage, text)
            except StepFailed as failure:
                await saga.park(f"{stage}: {text}", failure)

    def deploy(name):
        return saga.step(
            name,
            environments.deploy,
            name,
            deployment.version,
            deployment.image_tag,
            compensate=environments.rollback,
            check=environments.find,
        )

    try:
        async with saga.scope():
            await logged("staging", deploy("staging"))
            report = await logged(
                "tests", saga.step("tests", platform.tests.run, "staging", deployment.image_tag)
            )
            if not report.passed:
                raise Red
            async with saga.scope():
                await logged("production", deploy("production"))
                switch = saga.step(
                    "dns",
                    platform.dns.switch,
                    deployment.version,
                    compensate=platform.dns.revert,
                    check=platform.dns.find,
                    pivot=True,
                )
                await logged("dns", switch)
    except CompensationFailed:
        return DeploymentResult("manual_intervention_required")
    except Red:
        return DeploymentResult("tests_failed")
    except StepFailed:
        return DeploymentResult("failed")
    return DeploymentResult("deployed")
