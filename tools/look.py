"""Look at the notebooks as a reader does: run each in real JupyterLab, light and dark, and keep pictures.

    python tools/look.py FOLDER [NOTEBOOK ...]

writes pictures of the notebooks of a fresh working copy (all of them by default) into FOLDER, and ends
with 1 when a cell failed, the browser's console showed an error, something popped up, or a page asked
for anything outside this machine.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from grader import launch, workbook

FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
WIDTH, HEIGHT = 1280, 1400
PATIENCE = 120.0
IDLE = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
RUN_ALL = (
    "void window.jupyterapp.commands.execute('notebook:run-all-cells').finally(() => { window.ran = true })"
)
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}


def main() -> None:
    into, *names = sys.argv[1:] or sys.exit(__doc__)
    with laboratory() as address, chromium() as browser:
        problems = []
        for name in names or notebooks():
            problems += [
                f"{name}: {problem}" for problem in look(browser, address, Path(name).name, Path(into))
            ]
    sys.exit("\n".join(problems) or 0)


def notebooks() -> list[str]:
    """The names of the notebooks that a working copy holds."""
    return [name for name in workbook.originals() if name.endswith(".ipynb")]


@contextmanager
def laboratory() -> Iterator[str]:
    """JupyterLab as `make lab` opens it, on a fresh working copy and with no settings of this user."""
    with tempfile.TemporaryDirectory() as place:
        copy, runtime = Path(place) / "copy", Path(place) / "runtime"
        workbook.init(copy)
        options = ["--no-browser", "--port=0", "--IdentityProvider.token=", "--expose-app-in-browser"]
        homes = {
            name: str(Path(place) / name.lower())
            for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")
        }
        server = subprocess.Popen(
            launch.command(copy, [*options, "--KernelManager.transport=ipc"]),
            env={**launch.environment(), **homes, "JUPYTER_RUNTIME_DIR": str(runtime)},
        )
        try:
            yield _address(server, runtime)
        finally:
            server.terminate()
            server.wait(30)


@contextmanager
def chromium() -> Iterator[Browser]:
    """This machine's own Chromium, without a window. Raises FileNotFoundError when there is none."""
    program = shutil.which("chromium") or shutil.which("google-chrome") or os.environ.get("CHROMIUM")
    if program is None:
        raise FileNotFoundError("There is no Chromium here. Install it, or set CHROMIUM to its path.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


def look(browser: Browser, address: str, name: str, into: Path) -> list[str]:
    """Run one notebook and take its pictures; gives what is wrong with it, in words."""
    into.mkdir(parents=True, exist_ok=True)
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    problems: list[str] = []
    listen(page, problems)
    page.goto(f"{address}doc/tree/{name}?reset")
    until_idle(page)
    page.evaluate(RUN_ALL)
    page.wait_for_function("window.ran", timeout=PATIENCE * 1000)
    until_idle(page)
    problems += failed_cells(page) + popped_up(page)
    for theme, title in THEMES.items():
        page.evaluate(
            "name => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})", title
        )
        light = "true" if theme == "light" else "false"
        page.wait_for_selector(f"body[data-jp-theme-light='{light}']", state="attached")
        _pictures(page, into / f"{Path(name).stem}-{theme}")
    page.close()
    return problems


def listen(page: Page, problems: list[str]) -> None:
    """Note every error of the page, and everything it asks of another machine."""

    def said(message: ConsoleMessage) -> None:
        if message.type == "error":
            problems.append(f"console: {message.text}")

    def asked(request: Request) -> None:
        if (host := urlsplit(request.url).hostname) not in (None, "localhost", "127.0.0.1"):
            problems.append(f"asked {host} for something")

    page.on("console", said)
    page.on("pageerror", lambda error: problems.append(f"page: {error}"))
    page.on("request", asked)


def until_idle(page: Page) -> None:
    """Wait until the kernel is there and has nothing to do."""
    page.wait_for_function(IDLE, timeout=PATIENCE * 1000)


def failed_cells(page: Page) -> list[str]:
    """Errors that cells ended with, but of those that are tagged to raise one; and cells that never ran."""
    said = []
    for number, cell in enumerate(_cells(page)):
        expected = "raises-exception" in cell["metadata"].get("tags", [])
        if cell["cell_type"] != "code" or not "".join(cell["source"]).strip():
            continue
        if cell["execution_count"] is None:
            said.append(f"cell {number} did not run")
        for output in cell["outputs"]:
            if output["output_type"] == "error" and not expected:
                said.append(f"cell {number}: {output['ename']}: {output['evalue']}")
    return said


def popped_up(page: Page) -> list[str]:
    """Dialogues and notifications that nobody asked for."""
    return [
        f"popped up: {box.inner_text()}" for box in page.query_selector_all(".jp-Dialog, .Toastify__toast")
    ]


def _cells(page: Page) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = page.evaluate(
        "window.jupyterapp.shell.currentWidget.content.widgets.map(cell => cell.model.toJSON())"
    )
    return cells


def _pictures(page: Page, stem: Path) -> None:
    """The whole notebook, one picture for each screen of it."""
    for old in stem.parent.glob(f"{stem.name}-*.png"):
        old.unlink()
    panel = page.locator(".jp-WindowedPanel-outer").first
    panel.evaluate("panel => panel.scrollTo(0, 0)")
    number, top, last = 1, 0, -1
    while top > last:
        page.wait_for_timeout(300)
        page.screenshot(path=f"{stem}-{number}.png")
        last = top
        top = panel.evaluate(
            "panel => { panel.scrollBy(0, panel.clientHeight - 40); return panel.scrollTop }"
        )
        number += 1


def _address(server: subprocess.Popen[bytes], runtime: Path) -> str:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if server.poll() is not None:
            raise RuntimeError(f"JupyterLab ended with {server.returncode}.")
        for told in runtime.glob(f"jpserver-{server.pid}.json"):
            return str(json.loads(told.read_text())["url"])
        time.sleep(0.1)
    raise TimeoutError("JupyterLab did not start.")


if __name__ == "__main__":
    main()
