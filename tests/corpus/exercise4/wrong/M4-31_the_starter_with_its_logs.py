# M4-31 the starter with its logs filled in | fault: environments.deploy[production]:lost* | breaks: E4-S3 | says: The failing stage also needs its roll-back
from contextlib import suppress

from saga_lab import SagaContext, StepFailed
from saga_lab.worlds.platform import DeploymentRequest, DeploymentResult, Platform


async def deployment_saga(
    saga: SagaContext, deployment: DeploymentRequest, platform: Platform
) -> DeploymentResult:
    async def deploy_to(environment: str) -> None:
        version, image_tag = deployment.version, deployment.image_tag
        await saga.step(environment, platform.environments.deploy, environment, version, image_tag)
        await log(environment, "deployed")

    async def log(stage: str, text: str) -> None:
        with suppress(StepFailed):
            await saga.step(f"log {stage}", platform.logs.save, deployment.deployment_id, stage, text)

    async def roll_back(environment: str) -> None:
        with suppress(StepFailed):
            key = saga.key(environment)
            await saga.step(f"roll back {environment}", platform.environments.rollback, key=key)

    # Stage 1: deploy to staging
    try:
        await deploy_to("staging")
    except StepFailed:
        return DeploymentResult(status="failed")

    # Stage 2: run the tests
    try:
        report = await saga.step("tests", platform.tests.run, "staging", deployment.image_tag)
        tests_passed = report.passed
        await log("tests", f"passed: {tests_passed}")
    except StepFailed:
        tests_passed = False
    if not tests_passed:
        # COMPENSATE: roll back staging
        await roll_back("staging")
        return DeploymentResult(status="tests_failed")

    # Stage 3: deploy to production
    try:
        await deploy_to("production")
    except StepFailed:
        # COMPENSATE: roll back staging
        await roll_back("staging")
        return DeploymentResult(status="failed")

    # Stage 4: update DNS
    try:
        await saga.step("dns", platform.dns.switch, deployment.version)
        await log("dns", "switched")
    except StepFailed:
        # COMPENSATE: roll back production and staging
        await roll_back("production")
        await roll_back("staging")
        return DeploymentResult(status="failed")

    return DeploymentResult(status="deployed")
