"""Hypothesis, the same in every run: no clock, no memory of earlier runs."""

from hypothesis import settings

settings.register_profile("same every time", deadline=None, derandomize=True, database=None)
settings.load_profile("same every time")
