"""The course server, killed: what it said it had taken is there, and is graded after the next start."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from grader.gradebook import Gradebook
from grader.workbook import ROOT

SOLUTION = (ROOT / "solutions" / "exercise1_ecommerce_order.py").read_text()
FILE = "exercise1_ecommerce_order.py"
LEARNERS = 12


class Server:
    """`saga-lab serve` in a process of its own; killed with all that it started, as when a machine stops."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        command = [
            sys.executable,
            "-c",
            "from grader.cli import main; main()",
            "serve",
            "gradebook.db",
            "--port",
            "0",
            "--quick",
        ]
        self.process = subprocess.Popen(
            [*command, "--workers", "2", *options],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.said = ""

    def address(self) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if line.startswith("Ctrl-C"):
                break
        found = re.search(r"The course: (\S+)", self.said)
        assert found is not None, self.said
        return found[1]

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        assert self.process.stdout is not None
        self.said += self.process.stdout.read()  # until the last of its processes is gone
        return self.process.wait()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With the list of a class in it."""
    names = "".join(f"learner{number},\n" for number in range(LEARNERS))
    (tmp_path / "class.csv").write_text(names)
    return tmp_path


def book_of(folder: Path) -> str:
    return f"sqlite:///{folder}/gradebook.db"


def tokens(folder: Path) -> list[str]:
    lines = (folder / "class-tokens.csv").read_text().splitlines()[1:]
    return [line.rpartition(",")[2] for line in lines]


def post(address: str, token: str) -> str | None:
    """The code of what it took; None when the server went away."""
    try:
        answer = httpx.post(
            f"{address}/api/attempts",
            params={"file": FILE},
            content=f"{SOLUTION}\n# {token}\n".encode(),
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
            trust_env=False,
        )
    except httpx.TransportError:
        return None
    assert answer.status_code == 202, answer.text
    return str(answer.json()["code"])


def test_kill_9_in_the_middle_loses_nothing_that_was_taken(folder: Path) -> None:
    server = Server(folder, "--roster", "class.csv")
    address = server.address()
    with ThreadPoolExecutor(4) as pool:
        posting = [pool.submit(post, address, token) for token in tokens(folder)]
        posting[LEARNERS // 2].result()
        server.end(signal.SIGKILL)
        taken = {code for each in posting if (code := each.result()) is not None}
    book = Gradebook(book_of(folder))
    assert taken <= {attempt.code for attempt in book.attempts()} and taken
    server = Server(folder, "--roster", "class.csv")
    address = server.address()
    assert "The teacher's token is the one that was shown before" in server.said
    for token in tokens(folder):  # who got no answer hands in again, and so may all
        assert post(address, token) is not None
    mine, *_ = tokens(folder)
    headers = {"Authorization": f"Bearer {mine}"}
    with (
        httpx.Client(headers=headers, timeout=600, trust_env=False) as client,
        client.stream("GET", f"{address}/me/events") as stream,
    ):
        assert any('\\"verdict pass\\"' in line for line in stream.iter_lines())
    assert server.end(signal.SIGTERM) == 0, server.said
    attempts = book.attempts()
    assert len(attempts) == LEARNERS and len({attempt.learner for attempt in attempts}) == LEARNERS
    book.close()
    later = Gradebook(book_of(folder), now=lambda: time.time() + 60)  # when the leases of the dead are over
    done = [attempt for attempt in attempts if attempt.state == "done"]
    free = [*iter(lambda: later.claim("another"), None)]
    assert len(done) + len(free) == LEARNERS and done
    later.close()


def test_a_port_in_use_is_told_and_nothing_is_touched(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        server = Server(folder, "--port", str(port))
        assert server.end(0) == 2
    assert f"another program listens on port {port}" in server.said and "--port" in server.said
    assert not (folder / "gradebook.db").exists()


def test_a_foreign_gradebook_is_told_and_left(folder: Path) -> None:
    (folder / "gradebook.db").write_text("Dear bank, " * 1000)
    server = Server(folder)
    assert server.end(0) == 2
    assert "no SQLite database" in server.said and "Traceback" not in server.said
    assert (folder / "gradebook.db").read_text() == "Dear bank, " * 1000
