"""The house: imports go down only, files stay short, and nothing of one machine is left behind."""

from __future__ import annotations

import ast
import fnmatch
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Each room, and the rooms below it or beside it that it may use. `saga_lab` is the kernel.
ROOMS = {
    "saga_lab": {"saga_lab.journals"},
    "saga_lab.journals": {"saga_lab"},
    "saga_lab.bus": {"saga_lab", "saga_lab.journals"},
    "saga_lab.observe": {"saga_lab", "saga_lab.journals"},
    "saga_lab.cli": {"saga_lab", "saga_lab.journals"},
    "saga_lab.worlds": {"saga_lab"},
    "saga_lab.sim": {"saga_lab", "saga_lab.journals", "saga_lab.worlds"},
    "saga_lab.views": {"saga_lab", "saga_lab.journals", "saga_lab.worlds", "saga_lab.sim"},
    "grader": {
        "saga_lab",
        "saga_lab.cli",
        "saga_lab.journals",
        "saga_lab.worlds",
        "saga_lab.sim",
        "saga_lab.views",
    },
}
ABOVE = {"exercises", "notebooks", "solutions", "tests", "tools"}
SUBMISSIONS = [*ROOT.glob("exercises/*.py"), *ROOT.glob("solutions/*.py")]

KERNEL = sorted(ROOT.glob("saga_lab/*.py"))
MACHINE = re.compile(
    r"/(work|root|home|Users)/|pypi\.org|pythonhosted|registry\.npmjs|deb\.debian", re.IGNORECASE
)
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b|NotImplementedError")


def imported(source: str, package: str = "") -> Iterator[tuple[int, str]]:
    """Line and full name of all that a module imports, inside functions too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            start = ".".join([*parts, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{start}.{alias.name}") for alias in node.names)


def room(name: str) -> str | None:
    """The room that a module, or a name in it, belongs to; None for what is not ours."""
    parts = name.split(".")
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((prefix for prefix in prefixes if prefix in ROOMS or prefix in ABOVE), None)


def upward(path: str, source: str) -> list[str]:
    """The imports of a module that its room may not make."""
    package = ".".join(Path(path).parts[:-1])
    here = room(package) or package
    allowed = ROOMS[here] | {here}
    return [
        f"{path}:{line} imports {name}"
        for line, name in imported(source, package)
        if (there := room(name)) is not None and there not in allowed
    ]


def code_lines(source: str) -> int:
    """Lines that hold code: not blank, no comment, no docstring, since prose should not be rationed."""
    prose: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            prose.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    silent = (
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    )
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in silent:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - prose)


def files() -> list[Path]:
    """Every file of the project: what .gitignore does not name."""
    ignored = [".git", *(line.rstrip("/") for line in (ROOT / ".gitignore").read_text().split())]

    def walk(folder: Path) -> Iterator[Path]:
        for path in sorted(folder.iterdir()):
            if any(fnmatch.fnmatch(path.name, pattern) for pattern in ignored):
                continue
            if path.is_dir():
                yield from walk(path)
            else:
                yield path

    return list(walk(ROOT))


def found(pattern: re.Pattern[str], *, but: tuple[str, ...] = ()) -> list[str]:
    """Where a pattern stands in the project's files, but for those under the given paths."""
    hits = []
    for path in files():
        name = path.relative_to(ROOT).as_posix()
        if path == Path(__file__) or name.startswith(but):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if hit := pattern.search(line):
                hits.append(f"{name}:{number} {hit[0]}")
    return hits


MODULES = sorted(
    path.relative_to(ROOT).as_posix()
    for top in ("saga_lab", "grader")
    for path in ROOT.glob(f"{top}/**/*.py")
)


@pytest.mark.parametrize("path", MODULES)
def test_imports_go_down_only(path: str) -> None:
    assert upward(path, (ROOT / path).read_text()) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("saga_lab/engine.py", "from saga_lab.sim import replay"),
        ("saga_lab/engine.py", "from saga_lab import sim"),
        ("saga_lab/engine.py", "def f():\n    import saga_lab.worlds.shop"),
        ("saga_lab/journals/memory.py", "from ..worlds import shop"),
        ("saga_lab/worlds/shop.py", "from saga_lab.sim.trace import Trace"),
        ("saga_lab/sim/explore.py", "from saga_lab.views import timeline"),
        ("saga_lab/views/timeline.py", "import grader.report"),
        ("grader/rules/safety.py", "from solutions import exercise1_ecommerce_order"),
        ("grader/cli/learning.py", "from tools.look import look"),
    ],
)
def test_an_import_that_goes_up_is_found(path: str, source: str) -> None:
    assert len(upward(path, source)) == 1


@pytest.mark.parametrize("path", SUBMISSIONS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_starters_and_solutions_import_what_a_submission_may(path: Path) -> None:
    for line, name in imported(path.read_text()):
        ours = room(name) in ("saga_lab", "saga_lab.worlds")
        assert ours or name.split(".")[0] in sys.stdlib_module_names, f"{path.name}:{line} imports {name}"


def test_a_file_of_the_kernel_holds_at_most_250_lines_of_code() -> None:
    assert {path.name: size for path in KERNEL if (size := code_lines(path.read_text())) > 250} == {}


def test_the_kernel_stays_under_2175_lines_of_code() -> None:
    assert sum(code_lines(path.read_text()) for path in KERNEL) < 2175


def test_the_reading_order_names_every_file_of_the_kernel() -> None:
    named = re.findall(r"`(\w+\.py)`", (ROOT / "docs" / "kernel.md").read_text())
    assert sorted({*named}) == sorted(path.name for path in KERNEL if path.name != "__init__.py")


def test_no_module_is_over_400_lines_prose_and_all() -> None:
    lengths = {path: len((ROOT / path).read_text().splitlines()) for path in MODULES}
    assert {path: length for path, length in lengths.items() if length > 400} == {}


def test_no_file_names_a_path_or_a_registry_of_one_machine() -> None:
    assert found(MACHINE) == []


def test_only_the_exercises_are_unfinished() -> None:
    assert found(UNFINISHED, but=("exercises/", "notebooks/exercise")) == []


def test_what_is_pinned_is_a_name_and_a_version() -> None:
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert re.fullmatch(r"#.*|[\w.-]+==[\w.]+(; python_version < \"3\.\d+\")?", line), line
