"""Exercise 4, advanced: a deployment saga with several stages.

Bring a version out in four stages:

1. deploy to staging
2. run the integration tests
3. deploy to production
4. update DNS

and take back what was done when a stage fails:

- DNS fails: roll back production
- the tests fail: roll back staging
- preserve the logs for debugging: platform.logs.save, for each stage (staging, tests, production, dns)

Return DeploymentResult("deployed"), or DeploymentResult with the status tests_failed or failed.
The services are in `saga_lab.worlds.platform`. Grade it with: saga-lab grade exercise4_deployment.py
"""

from contextlib import suppress

from saga_lab import SagaContext, StepFailed
from saga_lab.worlds.platform import DeploymentRequest, DeploymentResult, Platform


async def deployment_saga(
    saga: SagaContext, deployment: DeploymentRequest, platform: Platform
) -> DeploymentResult:
    async def deploy_to(environment: str) -> None:
        version, image_tag = deployment.version, deployment.image_tag
        await saga.step(environment, platform.environments.deploy, environment, version, image_tag)

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
    except StepFailed:
        # COMPENSATE: roll back production and staging
        await roll_back("production")
        await roll_back("staging")
        return DeploymentResult(status="failed")

    return DeploymentResult(status="deployed")
