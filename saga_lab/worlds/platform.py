"""The world of exercise 4: a platform that runs versions in two environments, tests them and points DNS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol

import msgspec
from msgspec import Struct

from saga_lab.context import Lookup
from saga_lab.errors import Refused
from saga_lab.worlds.service import Service, action, operations, read, undo
from saga_lab.worlds.variation import USUAL, Variation
from saga_lab.worlds.world import Case, Rival, World, named


@dataclass
class DeploymentRequest:
    """A version to be deployed, and the image that holds it."""

    deployment_id: str
    version: str
    image_tag: str


@dataclass
class DeploymentResult:
    """`status`: deployed, tests_failed, failed or manual_intervention_required."""

    status: str


@dataclass
class TestReport:
    """What the integration tests found."""

    __test__ = False  # no test of this project, whatever pytest thinks of the name

    passed: bool
    report_id: str


# ---- what a saga sees


class Environments(Protocol):
    """Runs versions side by side: a new one starts beside the old ones, the newest is current."""

    async def current(self, key: str, environment: str) -> str: ...
    async def deploy(self, key: str, environment: str, version: str, image_tag: str) -> str: ...
    async def rollback(self, key: str) -> None: ...
    async def find(self, key: str) -> Lookup: ...


class Tests(Protocol):
    """Tests the running copy of an image; nobody can ask later what a run found."""

    async def run(self, key: str, environment: str, image_tag: str) -> TestReport: ...


class Dns(Protocol):
    """Sends the traffic to one version in production."""

    async def switch(self, key: str, version: str) -> str: ...
    async def revert(self, key: str) -> None: ...
    async def find(self, key: str) -> Lookup: ...


class Logs(Protocol):
    """Keeps what each stage said: staging, tests, production, dns. Safe to repeat."""

    async def save(self, key: str, deployment_id: str, stage: str, text: str) -> None: ...


class Platform(Protocol):
    """The services of a deployment."""

    environments: Environments
    tests: Tests
    dns: Dns
    logs: Logs


# ---- what they are


class _Copy(NamedTuple):
    """A version that runs; `by` is the key that put it there."""

    version: str
    image: str
    by: str


class _Environments(Service):
    def __init__(self, running: list[_Copy]) -> None:
        super().__init__()
        self.copies = {"staging": list(running), "production": list(running)}

    def ledger(self) -> Any:
        return {name: [copy._asdict() for copy in copies] for name, copies in self.copies.items()}

    @read(about=0)
    def current(self, key: str, environment: str) -> str:
        copies = self.copies.get(environment)
        return copies[-1].version if copies else ""

    @action("compensable", about=0)
    def deploy(self, key: str, environment: str, version: str, image_tag: str) -> str:
        if environment not in self.copies:
            raise Refused(f"there is no environment {environment}", "unknown")
        self.copies[environment].append(_Copy(version, image_tag, key))
        return f"{environment}-{version}"

    @undo("deploy")
    def rollback(self, key: str) -> None:
        """Take away only what this key put there: what others run stays."""
        for copies in self.copies.values():
            copies[:] = [copy for copy in copies if copy.by != key]


class _Tests(Service):
    def __init__(self, environments: _Environments, passes: bool) -> None:
        super().__init__()
        self.environments = environments
        self.passes = passes
        self.reports: dict[str, dict[str, Any]] = {}

    def ledger(self) -> Any:
        return {key: dict(report) for key, report in self.reports.items()}

    @action("read", look_up=False)
    def run(self, key: str, environment: str, image_tag: str) -> TestReport:
        if not any(copy.image == image_tag for copy in self.environments.copies.get(environment, [])):
            raise Refused(f"{image_tag} does not run in {environment}", "unknown")
        self.reports[key] = {"environment": environment, "image": image_tag, "passed": self.passes}
        return TestReport(self.passes, self.variation.name(f"report-{len(self.reports)}"))


class _Dns(Service):
    def __init__(self, environments: _Environments, version: str) -> None:
        super().__init__()
        self.environments = environments
        self.version = version
        self.by = ""
        self.before: dict[str, tuple[str, str]] = {}

    def ledger(self) -> Any:
        """`reaches`: what a traffic probe sees. Nobody is sent astray as long as DNS points nowhere."""
        runs = any(copy.version == self.version for copy in self.environments.copies["production"])
        return {"version": self.version, "by": self.by, "reaches": runs or not self.version}

    @action("pivot")
    def switch(self, key: str, version: str) -> str:
        self.before[key] = (self.version, self.by)
        self.point(version, key)
        return self.variation.name(f"record-{len(self.before)}")

    @undo("switch")
    def revert(self, key: str) -> None:
        """Point to what was before this key, unless another has pointed elsewhere since."""
        if self.by == key:
            self.point(*self.before[key])

    def point(self, version: str, by: str) -> None:
        self.version, self.by = version, by


class _Logs(Service):
    def __init__(self) -> None:
        super().__init__()
        self.saved: list[dict[str, str]] = []

    def ledger(self) -> Any:
        return [dict(log) for log in self.saved]

    @action("retriable", look_up=False)
    def save(self, key: str, deployment_id: str, stage: str, text: str) -> None:
        self.saved.append({"key": key, "deployment": deployment_id, "stage": stage, "text": text})


def _hotfix(world: PlatformWorld, about: str) -> bool:
    """Another deployment: into the environment that was just deployed to, or with the traffic, too."""
    newer = _version(world.variation, 3)
    fix = _Copy(newer, f"app:{newer}", "another deployment")
    copies = world.environments.copies[about or "production"]
    if fix in copies:
        return False
    copies.append(fix)
    if not about:
        world.dns.point(fix.version, fix.by)
    return True


def _version(variation: Variation, patch: int) -> str:
    return f"{variation.name('1.4')}.{patch}"


def _cases(variation: Variation) -> Iterator[Case]:
    new = _version(variation, 2)
    request = DeploymentRequest(variation.name("deploy-001"), new, f"app:{new}")
    for case, says, like in [
        ("green", "a version whose tests pass", ""),
        ("red", "a version whose tests fail", ""),
        ("first", "the first version of all", "green"),
    ]:
        yield Case(case, request, says, faults=True, like=like)


class PlatformWorld(World):
    """The platform during one run: version 1.4.0 runs everywhere, 1.4.2 is to come."""

    name = "platform"
    function = "deployment_saga"
    services_type = Platform
    request_type = DeploymentRequest
    result_type = DeploymentResult
    operations = operations(
        {"environments": _Environments, "tests": _Tests, "dns": _Dns, "logs": _Logs},
        ["environments.current", "environments.deploy", "tests.run", "dns.switch", "logs.save"],
    )
    cases: ClassVar = named(_cases(USUAL))
    rivals: ClassVar = {
        "hotfix": Rival(
            "another deployment brings version 1.4.3",
            _hotfix,
            after=("environments.deploy", "dns.switch"),
        )
    }

    def __init__(self, case: str = "") -> None:
        super().__init__(case)
        old = "" if self.case.name == "first" else _version(self.variation, 0)
        self.environments = _Environments([_Copy(old, f"app:{old}", "")] if old else [])
        self.dns = _Dns(self.environments, old)
        self.services = {
            "environments": self.environments,
            "tests": _Tests(self.environments, self.case.name != "red"),
            "dns": self.dns,
            "logs": _Logs(),
        }

    @classmethod
    def told(cls, variation: Variation) -> Mapping[str, Case]:
        return named(_cases(variation))

    @staticmethod
    def saga_id(request: DeploymentRequest) -> str:
        return request.deployment_id


# ---- the seed's JSON


class _DeploymentJson(Struct, rename="camel"):
    deployment_id: str
    version: str
    image_tag: str


def deployment_from_json(text: str | bytes) -> DeploymentRequest:
    """Read a deployment as the web sends it, in camelCase. Raises ValueError when it is none."""
    asked = msgspec.json.decode(text, type=_DeploymentJson)
    return DeploymentRequest(asked.deployment_id, asked.version, asked.image_tag)


def result_to_json(result: DeploymentResult) -> bytes:
    """Write a result as the web expects it."""
    return msgspec.json.encode(result)
