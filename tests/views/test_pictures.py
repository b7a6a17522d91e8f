"""What holds for every picture, whatever it shows."""

from __future__ import annotations

import functools
import hashlib
import os
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest
from picture_eyes import DARK, LIGHT, SVG, contrast, parse, see
from picture_runs import DECLARED, TOKENS, endless_run, long_run, run

from saga_lab.views import Picture, graph, plan, timeline
from saga_lab.worlds.shop import ShopWorld


@functools.cache
def pictures() -> dict[str, Picture]:
    traces = {token: run(token) for token in TOKENS} | {"long": long_run(), "endless": endless_run()}
    traces["crashes while waiting"] = long_run("timer:crash + timer#2:crash=30s + start:crash=16m")
    drawn = {f"timeline {name}": timeline(trace, ShopWorld) for name, trace in traces.items()}
    drawn |= {f"graph {name}": graph(ShopWorld, trace) for name, trace in traces.items()}
    drawn["timeline without a world"] = timeline(traces["none"])
    drawn["graph of a world"] = graph(ShopWorld)
    drawn["plan of a declared saga"] = plan(DECLARED)
    drawn["titled"] = timeline(
        traces["none"], title='A "title" <of> one & all, so long that it must shrink ' * 3
    )
    return drawn


def digest() -> str:
    return hashlib.sha256("".join(p.svg + p.text for p in pictures().values()).encode()).hexdigest()


every_picture = pytest.mark.parametrize("name", list(pictures()))


@every_picture
def test_it_is_an_image_with_a_name_and_a_story_for_a_screen_reader(name: str):
    picture = pictures()[name]
    root = parse(picture.svg)
    title, desc = root[0], root[1]
    assert root.get("role") == "img"
    assert (title.tag, desc.tag) == (f"{SVG}title", f"{SVG}desc")
    assert root.get("aria-label") == title.text
    assert desc.text == picture.text
    assert picture.text.startswith(title.text or "?")


@every_picture
def test_it_needs_nothing_from_outside_and_runs_nothing(name: str):
    svg = pictures()[name].svg
    links = [value for part in parse(svg).iter() for key, value in part.items() if key.endswith("href")]
    assert not links
    assert not [part.tag for part in parse(svg).iter() if part.tag in (f"{SVG}script", f"{SVG}style")]
    assert "url(" not in svg.replace("currentColor", "")


@every_picture
def test_every_word_stands_inside_it(name: str):
    svg = pictures()[name].svg
    _, _, wide, high = map(float, parse(svg).get("viewBox", "").split())
    outside = [w for w in see(svg, LIGHT) if w.left < 0 or w.right > wide or not 8 < w.baseline < high]
    assert not outside


@every_picture
def test_no_two_words_touch(name: str):
    words = see(pictures()[name].svg, LIGHT)
    touching = [
        (one.text, other.text)
        for one, other in combinations(words, 2)
        if abs(one.baseline - other.baseline) < 0.8 * min(one.size, other.size)
        and one.left < other.right
        and other.left < one.right
    ]
    assert not touching


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@every_picture
def test_words_can_be_read_on_what_is_beneath_them(name: str, theme: dict):
    faint = {
        (w.text, round(contrast(w.colour, w.ground), 2))
        for w in see(pictures()[name].svg, theme)
        if contrast(w.colour, w.ground) < 4.5
    }
    assert not faint


def test_two_pictures_in_one_page_cannot_share_an_id():
    assert not [part for p in pictures().values() for part in parse(p.svg).iter() if part.get("id")]


def test_the_same_run_gives_the_same_bytes_in_any_process():
    def elsewhere(seed: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", "import test_pictures; print(test_pictures.digest())"],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parent)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    assert elsewhere("1") == elsewhere("2") == digest()


def test_a_notebook_gets_it_as_html_too_since_only_there_the_theme_reaches_it():
    picture = pictures()["timeline none"]
    shown = picture._repr_mimebundle_()
    assert shown == {"text/html": picture.svg, "image/svg+xml": picture.svg, "text/plain": picture.text}
    assert str(picture) == picture.text


def test_it_is_saved_as_it_is(tmp_path: Path):
    picture = pictures()["graph none"]
    assert picture.save(tmp_path / "graph.svg").read_bytes() == picture.svg.encode()
