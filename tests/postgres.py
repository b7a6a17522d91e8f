"""A private PostgreSQL for the tests of a run, with a schema for each."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

PASSWORD = "a secret of the tests"


@pytest.fixture(scope="session")
def numbers() -> Iterator[int]:
    return count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of a server of our own: on a Unix socket, asking for a password, gone afterwards."""
    binaries = _binaries()
    # Not under pytest's folder: the server refuses to run as root, and others may not look in there.
    with tempfile.TemporaryDirectory(prefix="saga-lab-") as name:
        folder, user = Path(name), None
        (folder / "password").write_text(PASSWORD)
        if os.geteuid() == 0:
            user = "nobody"
            for path in (folder, folder / "password"):
                shutil.chown(path, user)

        def run(program: str, *arguments: str) -> None:
            command = [str(binaries / program), *arguments]
            done = subprocess.run(
                command, user=user, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
            assert done.returncode == 0, done.stdout

        data, log = str(folder / "data"), str(folder / "log")
        run("initdb", "-D", data, "-U", "lab", "-A", "scram-sha-256", "--pwfile", str(folder / "password"),
            "-E", "UTF8", "--locale", "C", "--no-sync")  # fmt: skip
        run("pg_ctl", "start", "-w", "-D", data, "-l", log, "-o", f"-k {folder} -h '' -F")
        try:
            yield f"postgresql://lab:{PASSWORD.replace(' ', '%20')}@/postgres?host={folder}"
        finally:
            run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", data)


def _binaries() -> Path:
    """Where the server's programs are. Debian keeps them out of the path."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    lacking = "PostgreSQL's server is not installed here (on Debian: apt-get install postgresql)"
    if os.environ.get("CI") == "true":
        pytest.fail(lacking)
    pytest.skip(lacking)
