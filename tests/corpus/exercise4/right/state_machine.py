"""A state machine: one variable says what comes next, forwards and backwards."""

from saga_lab import InDoubt, StepFailed
from saga_lab.worlds.platform import DeploymentResult

FORWARD = {"staging": "tests", "tests": "production", "production": "dns", "dns": "deployed"}
BACKWARD = {"undo dns": "undo production", "undo production": "undo staging", "undo staging": "over"}
BEFORE = {"staging": "over", "tests": "undo staging", "production": "undo staging", "dns": "undo production"}


async def deployment_saga(saga, deployment, platform):
    environments, dns = platform.environments, platform.dns
    version, image, outcome, state = deployment.version, deployment.image_tag, "failed", "staging"
    calls = {
        "staging": (environments.deploy, "staging", version, image),
        "tests": (platform.tests.run, "staging", image),
        "production": (environments.deploy, "production", version, image),
        "dns": (dns.switch, version),
    }
    checks = {"staging": environments.find, "production": environments.find, "dns": dns.find}
    while state not in ("over", "deployed"):
        if state in FORWARD:
            stage, after = state, FORWARD[state]
            try:
                value = await saga.step(stage, *calls[stage], check=checks.get(stage))
                text = str(value)
                if stage == "tests" and not value.passed:
                    outcome, after = "tests_failed", "undo staging"
            except StepFailed as failure:
                text = str(failure)
                doubt = isinstance(failure, InDoubt) and stage != "tests"
                after = f"undo {stage}" if doubt else BEFORE[stage]
            try:
                await saga.step(f"log {stage}", platform.logs.save, deployment.deployment_id, stage, text)
            except StepFailed as failure:
                saga.park(text, failure)
            state = after
        else:
            stage = state.removeprefix("undo ")
            undo = dns.revert if stage == "dns" else environments.rollback
            try:
                await saga.step(state, undo, key=saga.key(stage))
            except StepFailed as failure:
                saga.park(f"{state} by hand, and what comes before it", failure)
                return DeploymentResult("manual_intervention_required")
            state = BACKWARD[state]
    return DeploymentResult("deployed" if state == "deployed" else outcome)
