"""JupyterLab as a reader meets it, in a real browser. Pictures are left in build/screenshots."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from grader.workbook import FIRST, ROOT
from tools.look import chromium, laboratory, listen, look, notebooks, popped_up, until_idle


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with laboratory() as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def test_it_opens_at_the_first_notebook_and_nothing_pops_up(address: str, browser: Browser) -> None:
    page = browser.new_page()
    problems: list[str] = []
    listen(page, problems)
    page.goto(address)
    until_idle(page)
    assert page.evaluate("window.jupyterapp.shell.currentWidget.context.path") == FIRST
    assert problems + popped_up(page) == []


@pytest.mark.parametrize("name", notebooks())
def test_a_notebook_runs_clean_from_top_to_bottom(address: str, browser: Browser, name: str) -> None:
    assert look(browser, address, name, Path(ROOT, "build", "screenshots")) == []
