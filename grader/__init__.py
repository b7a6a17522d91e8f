"""The grader: it judges a saga by the world it leaves behind, under every fault at every call."""

from grader.board import board
from grader.hints import hint
from grader.judge import grade
from grader.report import Report
from grader.submit import submit

__all__ = ["Report", "board", "grade", "hint", "submit"]
