"""Hypothesis, the same in every run: no clock, no memory of earlier runs. And a PostgreSQL, if asked for."""

from hypothesis import settings

from tests.postgres import numbers, server  # noqa: F401 - fixtures

settings.register_profile("same every time", deadline=None, derandomize=True, database=None)
settings.load_profile("same every time")
