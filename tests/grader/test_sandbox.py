"""What a submission can see and do: its own folder and its saga, and nothing beside."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from grader import cli, grade, sandbox
from grader.candidate import confine
from grader.judge import replay_file
from grader.sandbox import NoSandbox, Sandbox, best

ROOT = Path(__file__).parent.parent.parent
SOLUTION = ROOT / "solutions" / "exercise1_ecommerce_order.py"
BUBBLEWRAP = pytest.param(
    "bubblewrap",
    marks=pytest.mark.skipif(
        shutil.which("bwrap") is None and "CI" not in os.environ, reason="bubblewrap is not installed"
    ),
)
SANDBOXES = [BUBBLEWRAP, "landlock"]
LIMITED = [*SANDBOXES, "limits only"]


def told(folder: Path, means: str, attempt: str, token: str = "none") -> list[str]:
    """What a saga prints that attempts something: the kind of error, or what it got."""
    path = folder / SOLUTION.name
    path.write_text(
        "import os, sys\n\n\nasync def order_saga(saga, order, shop):\n    try:\n"
        f"        print(repr({attempt}))\n"
        "    except BaseException as error:\n        print(type(error).__name__)\n"
    )
    return replay_file(path, token, sandbox=Sandbox(means)).printed.split("\n")[:-1]  # type: ignore[arg-type]


CLOSED = {
    "the rules": f"os.listdir({str(ROOT / 'grader' / 'rules')!r})",
    "the tests": f"os.listdir({str(ROOT / 'tests')!r})",
    "the solutions": f"open({str(SOLUTION)!r}).read()",
    "its own submission": "open(os.path.join(os.getcwd(), '..', '..', 'exercise1_ecommerce_order.py'))",
    "the users": "open('/etc/passwd')",
    "what it may import, to write there": "open(os.path.join(sys.path[0], 'x.py'), 'w')",
    "a common folder": "open('/var/tmp/x', 'w')",
    "the parent's memory": "open(f'/proc/{os.getppid()}/mem', 'rb').read(1)",
    "the network": "__import__('socket').create_connection(('127.0.0.1', 80))",
    "a socket in a file": "__import__('socket').socket(__import__('socket').AF_UNIX)",
}
REFUSED = ("PermissionError", "FileNotFoundError")


@pytest.mark.parametrize("means", SANDBOXES)
@pytest.mark.parametrize("attempt", CLOSED.values(), ids=CLOSED.keys())
def test_in_a_sandbox_there_are_no_other_files_and_no_network(
    tmp_path: Path, means: str, attempt: str
) -> None:
    assert told(tmp_path, means, attempt)[0] in REFUSED


LIMITS = {
    "a process": ("os.fork()", ("BlockingIOError", "PermissionError")),
    "a program": ("os.execv('/bin/true', ['true'])", ("PermissionError",)),
    "a thread": ("__import__('threading').Thread(target=print).start()", ("RuntimeError",)),
    "a signal to the parent": ("os.kill(os.getppid(), 9)", ("PermissionError",)),
    "a signal to all": ("os.kill(-1, 9)", ("PermissionError",)),
    "three gigabytes": ("len(bytearray(3 << 30))", ("MemoryError",)),
    "a long file": ("open('x', 'wb').write(b'x' * 3_000_000)", ("OSError",)),
    "many files": ("[open('/dev/null') for _ in range(999)]", ("OSError",)),
}


@pytest.mark.parametrize("means", LIMITED)
@pytest.mark.parametrize(("attempt", "error"), LIMITS.values(), ids=LIMITS.keys())
def test_processes_memory_and_files_are_limited_everywhere(
    tmp_path: Path, means: str, attempt: str, error: tuple[str, ...]
) -> None:
    assert told(tmp_path, means, attempt)[0] in error


@pytest.mark.parametrize("means", LIMITED)
def test_its_own_folder_is_empty_and_its_environment_names_nobody(tmp_path: Path, means: str) -> None:
    attempt = "(os.listdir(), open('x', 'w').write('mine'), sorted({*os.environ} - {'PWD'}), os.getuid() > 0)"
    names = "['HOME', 'LANG', 'PYTHONHASHSEED']"
    assert told(tmp_path, means, attempt)[0] == f"([], 4, {names}, True)"


@pytest.mark.parametrize("means", LIMITED)
def test_the_standard_library_is_there_and_little_else(tmp_path: Path, means: str) -> None:
    assert told(tmp_path, means, "__import__('decimal').Decimal(1)")[0] == "Decimal('1')"
    assert told(tmp_path, means, "__import__('pytest')")[0] == "ModuleNotFoundError"
    assert told(tmp_path, means, "__import__('grader.rules')")[0] == "ModuleNotFoundError"


@pytest.mark.parametrize("means", LIMITED)
def test_a_crash_really_kills_so_that_no_global_survives_it(tmp_path: Path, means: str) -> None:
    path = tmp_path / SOLUTION.name
    source = SOLUTION.read_text(encoding="utf-8").replace(
        "async def order_saga", "SEEN = []\n\n\nasync def order_saga"
    )
    body = "    pay, stock, ship = shop.payments, shop.inventory, shop.shipping\n"
    assert body in source
    path.write_text(source.replace(body, f"{body}    SEEN.append(1)\n    print(len(SEEN))\n"))
    sandbox = Sandbox(means)  # type: ignore[arg-type]
    assert replay_file(path, "none", sandbox=sandbox).printed == "1\n"
    assert replay_file(path, "payments.charge:crash-after", sandbox=sandbox).printed == "1\n1\n"


@pytest.mark.parametrize("means", LIMITED)
def test_a_solution_passes_in_every_sandbox_and_the_report_says_which(tmp_path: Path, means: str) -> None:
    report = grade(None, SOLUTION, quick=True, sandbox=Sandbox(means))  # type: ignore[arg-type]
    assert (report.verdict, report.sandbox) == ("pass", means)
    assert sandbox.IN_WORDS[report.sandbox] in " ".join(str(report).split())  # type: ignore[index]


def test_who_asks_for_a_sandbox_gets_one_or_no_grade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confine, "landlock_is_there", lambda: False)
    monkeypatch.setattr(sandbox, "_works", lambda command: False)
    best.cache_clear()
    try:
        assert best() == Sandbox("limits only")
        with pytest.raises(NoSandbox, match="Install bubblewrap"):
            best(required=True)
        told = CliRunner().invoke(cli.main, ["grade", str(SOLUTION), "--require-sandbox"])
        assert (told.exit_code, "There is no sandbox on this machine" in told.output) == (3, True)
    finally:
        best.cache_clear()


def test_a_submission_may_import_all_of_the_package_at_once(tmp_path: Path) -> None:
    first, names, rest = SOLUTION.read_text().partition(
        "from saga_lab import CompensationFailed, SagaContext, StepFailed\n"
    )
    path = tmp_path / SOLUTION.name
    path.write_text(f"{first}from saga_lab import *\n{rest}")
    assert names and grade(1, path, quick=True).verdict == "pass"


@pytest.mark.skipif(shutil.which("unshare") is None, reason="there is no unshare")
def test_root_of_a_namespace_without_other_users_grades_as_an_ordinary_user_does() -> None:
    saga_lab = str(Path(sys.executable).with_name("saga-lab"))
    command = [saga_lab, "grade", str(SOLUTION), "--quick", "--json"]
    told = subprocess.run(
        ["unshare", "--map-root-user", *command], capture_output=True, text=True, check=False, cwd=ROOT
    )
    if "unshare failed" in told.stderr:
        pytest.skip("this machine gives no user namespace")
    assert (told.returncode, '"verdict": "pass"' in told.stdout) == (0, True), told.stderr
