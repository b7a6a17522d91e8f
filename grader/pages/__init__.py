"""Pages: one self-contained file of HTML each, readable offline, without a script too."""

from grader.pages.submission import page

__all__ = ["page"]
