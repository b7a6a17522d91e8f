"""Pictures of a run, each with a text that tells the same story."""

from saga_lab.views.graph import graph, plan
from saga_lab.views.picture import Picture
from saga_lab.views.timeline import timeline

__all__ = ["Picture", "graph", "plan", "timeline"]
