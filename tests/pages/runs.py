"""An order that forgets to undo, one whose words are hostile, and what a page is made of."""

from __future__ import annotations

import json
from functools import cache
from html.parser import HTMLParser
from typing import Any

from grader import Report, grade
from grader.workbook import ROOT
from saga_lab import SagaContext
from saga_lab.worlds.shop import OrderRequest, OrderResult, Shop

HOSTILE = "</script><script>alert(1)</script><!-- ]]> & \" ' \u202e\u2028\x07 <img src=//x onerror=alert(1)>"


async def hostile(saga: SagaContext, order: OrderRequest, shop: Shop) -> OrderResult:
    await saga.step(HOSTILE.replace("/", ""), shop.payments.charge, HOSTILE, order.amount)
    saga.park(HOSTILE)
    return OrderResult(HOSTILE)


@cache
def forgetful() -> Report:
    """An order whose failing step is not undone, so what is in doubt stays."""
    return grade(1, ROOT / "tests/corpus/exercise1/wrong/M-G01_the_failing_step_is.py", quick=True)


@cache
def spiteful() -> Report:
    return grade(1, hostile, quick=True)


class Read(HTMLParser):
    """What a browser finds in a page: its elements, its words, and what stands in its scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.comments: list[str] = []
        self.words = ""
        self._within = ""
        self.feed(page)
        self.close()

    @property
    def data(self) -> Any:
        return json.loads(self.scripts[0])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._within = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within == "script":
            self.scripts[-1] += data
        elif self._within != "style":
            self.words += data

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)
