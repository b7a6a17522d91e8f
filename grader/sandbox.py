"""What a candidate's process can see and do, and by which means: as strong as this machine offers."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

import saga_lab
from grader.candidate import confine

Means = Literal["bubblewrap", "landlock", "limits only"]
IN_WORDS: dict[Means, str] = {
    "bubblewrap": "its own files, processes and network (bubblewrap), and limits",
    "landlock": "its own files (landlock), no network and no signals (seccomp), and limits",
    "limits only": "limits on memory, time and processes alone: files and network stay open to it",
}
_PARTS = {
    "saga_lab": Path(saga_lab.__file__).resolve().parent,
    "msgspec": Path(msgspec.__file__).resolve().parent,
    "grader/candidate": Path(__file__).resolve().parent / "candidate",
}
"""All that a candidate may import beside the standard library, by its place among the modules."""
_PYTHON = Path(
    getattr(sys, "_base_executable", sys.executable)
).resolve()  # an environment may hold a copy, without its library
_PREFIX = Path(sys.base_prefix).resolve()
_LIBRARY = Path(os.__file__).resolve().parent
_SYSTEM = ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/etc/ld.so.cache")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")


class NoSandbox(Exception):
    """There is none on this machine, and one was asked for; the text says what to do."""


@dataclass(frozen=True)
class Sandbox:
    """How a candidate's process is confined; `best` finds what this machine offers."""

    means: Means

    def command(self, home: Path, start: str, *args: str) -> list[str]:
        """The command that runs `start` (Python source) in this sandbox; `home` is an empty folder for it.

        Within, `home/own` is the candidate's folder, and `home/modules` what it may import.
        """
        modules, own = home / "modules", home / "own"
        for folder in (modules / "grader", own):
            folder.mkdir(parents=True)
        if is_root():
            os.chown(own, confine.NOBODY, confine.NOBODY)
        source = f"import sys; sys.path.insert(0, {str(modules)!r}); {start}"
        python = [str(_PYTHON), "-P", "-s", "-S", "-B", "-c", source, *args]
        if self.means == "bubblewrap":
            return [*_bubblewrap(modules, own), *python]
        home.chmod(0o755)
        for name, path in _PARTS.items():
            (modules / name).symlink_to(path)
        return python

    def readable(self, home: Path) -> list[str] | None:
        """What may be opened, where landlock sees to it; None where something else does, or nothing."""
        if self.means != "landlock":
            return None
        library = [path for path in _LIBRARY.iterdir() if path.name != "site-packages"]
        system = [Path(path) for path in (*_SYSTEM, *_DEVICES) if os.path.exists(path)]
        return [str(path) for path in (*library, *system, *_PARTS.values(), _PYTHON, home / "modules")]


def _bubblewrap(modules: Path, own: Path) -> list[str]:
    """A root of its own, in which little is mounted; other submissions and the gradebook are not."""
    words = ["bwrap", "--die-with-parent", "--new-session", "--unshare-pid", "--unshare-net", "--unshare-ipc"]
    words += ["--unshare-uts", "--unshare-cgroup-try", "--cap-drop", "ALL"]
    if is_root():  # it must be able to stop being root, and to end the processes that stopped
        for right in ("CAP_SETUID", "CAP_SETGID", "CAP_KILL"):
            words += ["--cap-add", right]
    else:
        words += ["--unshare-user"]
    places = [Path(path) for path in ("/usr", *_SYSTEM, _PREFIX) if os.path.exists(path)]
    binds = [("--ro-bind", path, path) for path in places]
    binds += [("--ro-bind", part, modules / name) for name, part in _PARTS.items()]
    for how, path, place in (*binds, ("--bind", own, own)):
        for parent in [*reversed(place.parents)][1:]:  # or nobody could pass where only root may here
            words += ["--perms", "0755", "--dir", str(parent)]
        words += [how, str(path), str(place)]
    for hidden in (_LIBRARY / "site-packages", Path("/usr/lib/python3/dist-packages")):
        if hidden.is_dir():
            words += ["--tmpfs", str(hidden)]
    return [*words, "--proc", "/proc", "--dev", "/dev", "--chdir", str(own), "--"]


@functools.cache
def best(required: bool = False) -> Sandbox:
    """The strongest that works here. Raises NoSandbox when one is `required` and there is none."""
    if shutil.which("bwrap") and _works(
        [*_bubblewrap(Path("/modules"), Path("/tmp")), str(_PYTHON), "-c", ""]
    ):
        return Sandbox("bubblewrap")
    if confine.landlock_is_there() and confine.silence_is_possible():
        return Sandbox("landlock")
    if required:
        raise NoSandbox(
            "There is no sandbox on this machine, so nothing was graded. Install bubblewrap (its package has "
            "that name), or use Linux 6.2 or newer with landlock; `saga-lab doctor` shows what is missing."
        )
    return Sandbox("limits only")


def is_root() -> bool:
    """Has this process rights that a candidate must not have, and can it become somebody without?

    Root of a user namespace that knows no other user (`unshare --map-root-user`, some containers) is an
    ordinary user with another name.
    """
    return os.getuid() == 0 and _is_known(confine.NOBODY)


def _is_known(user: int) -> bool:
    try:
        spans = Path("/proc/self/uid_map").read_text(encoding="ascii").splitlines()
    except OSError:  # no Linux, so no namespaces
        return True
    return any(int(first) <= user < int(first) + int(count) for first, _, count in map(str.split, spans))


def _works(command: list[str]) -> bool:
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0
