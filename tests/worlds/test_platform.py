"""The platform of exercise 4: versions side by side, and an undo that touches only what its key did."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saga_lab import Refused
from saga_lab.worlds.platform import (
    DeploymentRequest,
    DeploymentResult,
    PlatformWorld,
    deployment_from_json,
    result_to_json,
)
from saga_lab.worlds.platform import TestReport as Report
from tests.worlds.asking import ask, refusal

NEW = ("1.4.2", "app:1.4.2")


def versions(world: PlatformWorld, environment: str) -> list[str]:
    return [copy["version"] for copy in world.ledgers()["environments"][environment]]


def test_a_new_version_runs_beside_the_old_one_and_the_newest_is_current() -> None:
    platform = PlatformWorld()
    assert ask(platform, "environments.current", "c", "production") == "1.4.0"
    ask(platform, "environments.deploy", "d", "production", *NEW)
    assert versions(platform, "production") == ["1.4.0", "1.4.2"]
    assert ask(platform, "environments.current", "c", "production") == "1.4.2"
    assert versions(platform, "staging") == ["1.4.0"]


def test_before_the_first_version_nothing_runs_and_dns_points_nowhere() -> None:
    platform = PlatformWorld("first")
    assert ask(platform, "environments.current", "c", "production") == ""
    assert platform.ledgers()["dns"] == {"version": "", "by": "", "reaches": True}


def test_an_environment_that_does_not_exist_is_refused() -> None:
    assert refusal(PlatformWorld(), "environments.deploy", "d", "moon", *NEW) == "unknown"


def test_a_roll_back_takes_away_what_its_key_put_there_and_leaves_a_rivals_version() -> None:
    platform = PlatformWorld()
    ask(platform, "environments.deploy", "d", "staging", *NEW)
    assert platform.rivals["hotfix"].act(platform, "staging")
    assert not platform.rivals["hotfix"].act(platform, "staging")
    ask(platform, "environments.rollback", "d")
    assert versions(platform, "staging") == ["1.4.0", "1.4.3"]


@pytest.mark.parametrize(("case", "passed"), [("green", True), ("red", False)])
def test_what_runs_can_be_tested_and_the_report_is_kept(case: str, passed: bool) -> None:
    platform = PlatformWorld(case)
    assert refusal(platform, "tests.run", "early", "staging", "app:1.4.2") == "unknown"
    ask(platform, "environments.deploy", "d", "staging", *NEW)
    assert ask(platform, "tests.run", "t", "staging", "app:1.4.2") == Report(passed, "report-1")
    ask(platform, "environments.rollback", "d")
    report = {"environment": "staging", "image": "app:1.4.2", "passed": passed}
    assert platform.ledgers()["tests"] == {"t": report}


def test_the_probe_fails_while_dns_points_at_what_does_not_run() -> None:
    platform = PlatformWorld()
    ask(platform, "dns.switch", "s", "1.4.2")
    assert not platform.ledgers()["dns"]["reaches"]
    ask(platform, "environments.deploy", "d", "production", *NEW)
    assert platform.ledgers()["dns"]["reaches"]
    ask(platform, "environments.rollback", "d")
    assert not platform.ledgers()["dns"]["reaches"]


def test_dns_goes_back_to_what_it_pointed_to_before_the_key() -> None:
    platform = PlatformWorld()
    ask(platform, "dns.switch", "s", "1.4.2")
    ask(platform, "dns.revert", "s")
    assert platform.ledgers()["dns"]["version"] == "1.4.0"


def test_dns_stays_where_a_rival_has_pointed_it_since() -> None:
    platform = PlatformWorld()
    ask(platform, "dns.switch", "s", "1.4.2")
    assert platform.rivals["hotfix"].act(platform, "")
    ask(platform, "dns.revert", "s")
    assert platform.ledgers()["dns"] == {"version": "1.4.3", "by": "another deployment", "reaches": True}


def test_a_log_is_kept_with_its_stage_and_text() -> None:
    platform = PlatformWorld()
    ask(platform, "logs.save", "l", "deploy-001", "tests", "red")
    ask(platform, "logs.save", "l", "deploy-001", "tests", "red")
    log = {"key": "l", "deployment": "deploy-001", "stage": "tests", "text": "red"}
    assert platform.ledgers()["logs"] == [log]


def test_a_deployment_and_its_result_are_written_as_the_web_does() -> None:
    text = '{"deploymentId": "d", "version": "1", "imageTag": "app:1"}'
    assert deployment_from_json(text) == DeploymentRequest("d", "1", "app:1")
    with pytest.raises(ValueError, match="imageTag"):
        deployment_from_json('{"deploymentId": "d", "version": "1"}')
    assert result_to_json(DeploymentResult("deployed")) == b'{"status":"deployed"}'


ASKED = st.sampled_from(
    [
        ("environments.deploy", ("staging", *NEW)),
        ("environments.deploy", ("production", *NEW)),
        ("environments.rollback", ()),
        ("environments.find", ()),
        ("tests.run", ("staging", "app:1.4.2")),
        ("dns.switch", ("1.4.2",)),
        ("dns.revert", ()),
        ("dns.find", ()),
        ("logs.save", ("d", "dns", "text")),
        ("hotfix", ("staging",)),
        ("hotfix", ("",)),
    ]
)


@given(st.lists(st.tuples(ASKED, st.sampled_from(["a", "b", "c"])), max_size=12))
def test_the_first_deployment_gets_the_same_answers_as_any_other(asked: list[Any]) -> None:
    worlds = [PlatformWorld(PlatformWorld.cases["first"].like), PlatformWorld("first")]
    for (operation, args), key in asked:
        told = [_answer(world, operation, key, args) for world in worlds]
        assert told[0] == told[1]


def _answer(world: PlatformWorld, operation: str, key: str, args: tuple[str, ...]) -> Any:
    if operation == "hotfix":
        return world.rivals["hotfix"].act(world, *args)
    try:
        return ask(world, operation, key, *args)
    except Refused as refused:
        return refused.code, refused.reason
