"""What the platform shows of one deployment: which versions run by its doing, where DNS points, its logs."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from grader.rules.facts import Facts
from saga_lab.sim import Instant

Ledgers = dict[str, Any]
ENVIRONMENTS = ("staging", "production")
RIVAL = "hotfix"
"""The other deployment: what it brings is told from ours by who put it there."""


def keys(facts: Facts) -> set[str]:
    """Under which this deployment asked for anything."""
    return {request.key for request in facts.requests}


def running(facts: Facts, ledgers: Ledgers, environment: str) -> str:
    """What this deployment put there and what still runs, in words: `1.4.2`, `nothing`."""
    ours, image = keys(facts), facts.request.image_tag
    told = [
        copy["version"] if copy["image"] == image else f"{copy['version']} of the image {copy['image']}"
        for copy in ledgers["environments"][environment]
        if copy["by"] in ours
    ]
    return " and ".join(told) or "nothing"


def before(facts: Facts, environment: str) -> str:
    """The version that ran there before, in words."""
    copies = facts.trace.instants[0].ledgers["environments"][environment]
    return str(copies[-1]["version"]) if copies else "nothing"


def points_to(facts: Facts) -> str:
    """Where DNS points at the end."""
    return str(facts.final["dns"]["version"]) or "nothing"


def should_point_to(facts: Facts, deployed: bool) -> str:
    """Where it should: what others made of it stands."""
    dns = facts.final["dns"]
    if dns["by"] and dns["by"] not in keys(facts):
        return str(dns["version"])
    first = facts.trace.instants[0].ledgers["dns"]["version"]
    return str(facts.request.version if deployed else first) or "nothing"


def astray(facts: Facts) -> tuple[Instant, float | None] | None:
    """When DNS first pointed at what does not run, and for how many seconds: None for ever."""
    instants = facts.trace.instants
    first = next((x for x in instants if not x.ledgers["dns"]["reaches"]), None)
    if first is None:
        return None
    later = (x.at for x in instants if x.at > first.at and x.ledgers["dns"]["reaches"])
    back = next(later, None)
    return first, None if back is None else (back - first.at) / 1000


def overwritten(facts: Facts) -> tuple[Instant, str] | None:
    """When a rival's version was taken away or hidden by ours, and how, in words."""
    ours = keys(facts)
    for one, other in pairwise(facts.trace.instants):
        for name in ENVIRONMENTS:
            was, copies = one.ledgers["environments"][name], other.ledgers["environments"][name]
            theirs = [copy for copy in was if copy["by"] and copy["by"] not in ours]
            if any(copy not in copies for copy in theirs):
                return other, f"{theirs[-1]['version']} disappeared from {name}"
            if theirs and len(copies) > len(was) and copies[-1]["by"] in ours:
                return other, f"{copies[-1]['version']} was put over {theirs[-1]['version']} in {name}"
        was, now = one.ledgers["dns"], other.ledgers["dns"]
        if was["by"] and was["by"] not in ours and now != was:
            return other, f"DNS was taken from {was['version']} back to {now['version']}"
    return None
