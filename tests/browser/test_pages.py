"""The page of a submission in a real browser: one steps through a run, and chooses another fault."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from grader.items import Work
from grader.pages import page, whole_class
from tests.pages.runs import forgetful, spiteful
from tools.look import chromium, listen


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """The page, opened as a file; in the end nothing was asked for, and nothing was said to the console."""
    yield from shown(browser, tmp_path, page(forgetful()))


def shown(browser: Browser, folder: Path, html: str) -> Iterator[Page]:
    file = folder / "page.html"
    file.write_text(html, encoding="utf-8")
    opened = browser.new_page(viewport={"width": 600, "height": 900})
    problems: list[str] = []
    asked: list[str] = []
    listen(opened, problems)
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(file.as_uri())
    yield opened
    assert problems == [] and asked in ([file.as_uri()], [file.as_uri(), "data:,"])
    opened.close()


def test_one_steps_through_the_run_by_key_and_by_button(opened: Page) -> None:
    walk = opened.locator(".walk").first
    assert "here it went wrong" in walk.locator(".told").inner_text()
    walk.locator("select").focus()
    walk.get_by_role("button", name="First instant").click()
    assert walk.locator(".told b").inner_text().startswith("Instant 1 of")
    assert "is accepted" in walk.locator(".told").inner_text()
    assert walk.locator("tr", has_text="payments").inner_text().split() == ["payments", "empty"]
    walk.locator("ol").last.focus()
    opened.keyboard.press("ArrowRight")
    assert "payments.charge: done" in walk.locator(".told").inner_text()
    assert walk.locator("tr.new").count() == 3
    assert "payments.charge under order-001/charge" in walk.locator(".panels").inner_text()
    walk.get_by_role("button", name="Previous instant").click()
    assert walk.locator("tr.new").count() == 0
    opened.keyboard.press("End")
    assert walk.get_by_role("button", name="Next instant").is_disabled()


def test_the_line_in_the_picture_goes_with_the_instant(opened: Page) -> None:
    walk = opened.locator(".walk").first
    places = []
    for key in ("First instant", "Last instant"):
        walk.get_by_role("button", name=key).click()
        box = walk.locator(".cursor").bounding_box()
        assert box is not None
        places.append(box["x"])
    assert places[0] < places[1] and walk.locator(".cursor").count() == 1


def test_one_chooses_another_fault_of_this_cause_and_of_another(opened: Page) -> None:
    walk = opened.locator(".walk").first
    before = walk.locator("figure title").first.text_content()
    groups = walk.locator("optgroup").all()
    assert groups[0].get_attribute("label") == "This cause" and len(groups) > 1
    for group in groups[:2]:
        option = group.locator("option").last
        token = option.inner_text()
        walk.locator("select").select_option(option.get_attribute("value"))
        assert token in walk.locator("figure").inner_text()
        assert token in walk.locator("dl").inner_text()
    walk.locator("select").select_option(index=0)
    assert walk.locator("figure title").first.text_content() == before
    assert walk.locator("dl").is_hidden()


def test_hostile_words_do_nothing(browser: Browser, tmp_path: Path) -> None:
    for opened in shown(browser, tmp_path, page(spiteful())):
        opened.on("dialog", lambda dialog: pytest.fail(dialog.message))
        walk = opened.locator(".walk").first
        walk.get_by_role("button", name="First instant").click()
        walk.get_by_role("button", name="Last instant").click()
        assert "alert(1)</script>" in walk.inner_text()
        assert opened.locator("img").count() == 0


@pytest.mark.parametrize("width", [360, 600, 1600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_as_wide_as_its_window_and_can_be_read(
    browser: Browser, tmp_path: Path, width: int, scheme: str
) -> None:
    for opened in shown(browser, tmp_path, page(forgetful())):
        opened.set_viewport_size({"width": width, "height": 900})
        opened.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        assert opened.evaluate("document.documentElement.scrollWidth") == width
        assert opened.evaluate(CONTRAST) == []
        opened.screenshot(path=f"build/screenshots/page-{scheme}-{width}.png", full_page=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_a_class_can_be_read(browser: Browser, tmp_path: Path, scheme: str) -> None:
    works = [Work(name, 1, 20, None, False, forgetful(), since=0.0, tries=2) for name in ("ada", "bert")]
    for opened in shown(browser, tmp_path, whole_class.page(works)):
        opened.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        assert opened.evaluate("document.documentElement.scrollWidth") == 600
        assert opened.evaluate(CONTRAST) == []
        opened.screenshot(path=f"build/screenshots/class-{scheme}.png", full_page=True)


def test_without_a_script_the_instants_are_a_list(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(page(forgetful()), encoding="utf-8")
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(file.as_uri())
    summary = opened.locator(".walk summary").first
    assert "instants" in summary.inner_text()
    summary.click()
    assert "payments.charge: done" in opened.locator("ol.instants").first.inner_text()
    context.close()


# Words outside of pictures whose colour does not stand out from what is behind them: WCAG 2 asks for 4.5.
CONTRAST = """() => {
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const shine = ([r, g, b]) => [r, g, b].map((x) => x / 255)
    .map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4))
    .reduce((sum, x, place) => sum + x * [0.2126, 0.7152, 0.0722][place], 0);
  const ground = (node) => {
    if (!node) return [255, 255, 255];
    const [r, g, b, share = 1] = parse(getComputedStyle(node).backgroundColor);
    if (share === 1) return [r, g, b];
    return ground(node.parentElement).map((x, place) => x * (1 - share) + [r, g, b][place] * share);
  };
  const faint = [];
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (words.nextNode()) {
    const node = words.currentNode.parentElement;
    if (!words.currentNode.data.trim() || node.closest("svg, script, template") || node.disabled) continue;
    const pair = [parse(getComputedStyle(node).color), ground(node)].map(shine).sort((a, b) => b - a);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (ratio < 4.5) faint.push(`${words.currentNode.data.trim()}: ${ratio.toFixed(2)}`);
  }
  return faint;
}"""
