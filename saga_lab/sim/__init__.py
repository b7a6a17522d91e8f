"""The simulator: virtual time, faults at every call, and exploration of all that can go wrong."""

from saga_lab.sim.explore import Exploration, Rules, deepening, explore, replay
from saga_lab.sim.faults import BadToken, Fault, Scenario, Site, parse
from saga_lab.sim.findings import Finding, Violation
from saga_lab.sim.messages import Port
from saga_lab.sim.port import BadMessage, EndlessLoop, InProcess
from saga_lab.sim.sample import Sample, resample
from saga_lab.sim.scheduler import simulate
from saga_lab.sim.trace import Crash, Instant, Outside, Request, Trace

__all__ = [
    "BadMessage",
    "BadToken",
    "Crash",
    "EndlessLoop",
    "Exploration",
    "Fault",
    "Finding",
    "InProcess",
    "Instant",
    "Outside",
    "Port",
    "Request",
    "Rules",
    "Sample",
    "Scenario",
    "Site",
    "Trace",
    "Violation",
    "deepening",
    "explore",
    "parse",
    "replay",
    "resample",
    "simulate",
]
