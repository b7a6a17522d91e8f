"""Each stage is a declared list of one; whoever runs it writes its log."""

from saga_lab import CompensationFailed, Saga, Step, StepFailed
from saga_lab.worlds.platform import DeploymentResult


def copy(platform, environment):
    environments = platform.environments
    return Step(
        environment,
        environments.deploy,
        args=lambda deployment, results: (environment, deployment.version, deployment.image_tag),
        compensate=environments.rollback,
        check=environments.find,
    )


def stages(platform):
    dns = platform.dns
    return [
        copy(platform, "staging"),
        Step(
            "tests",
            platform.tests.run,
            args=lambda deployment, results: ("staging", deployment.image_tag),
            effect=False,
        ),
        copy(platform, "production"),
        Step(
            "dns",
            dns.switch,
            args=lambda deployment, results: (deployment.version,),
            compensate=dns.revert,
            check=dns.find,
            pivot=True,
        ),
    ]


async def deployment_saga(saga, deployment, platform):
    try:
        async with saga.scope(on_stuck="continue"):
            for step in stages(platform):
                passed = await logged(saga, deployment, platform, step)
                if not passed:
                    await saga.compensate(on_stuck="continue")
                    return DeploymentResult("tests_failed")
    except CompensationFailed:
        return DeploymentResult("manual_intervention_required")
    except StepFailed:
        return DeploymentResult("failed")
    return DeploymentResult("deployed")


async def logged(saga, deployment, platform, step):
    text = ""
    try:
        results = await Saga(step.name, [step])(saga, deployment)
        text = f"{step.name} gave {results[step.name]}"
        return step.name != "tests" or results["tests"].passed
    except StepFailed as failure:
        text = f"{step.name} gave nothing: {failure}"
        raise
    finally:
        try:
            log = f"log of {step.name}"
            await saga.step(log, platform.logs.save, deployment.deployment_id, step.name, text)
        except StepFailed as failure:
            saga.park(text, failure)
