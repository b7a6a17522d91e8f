"""The same once more as a user who has no rights, though the interpreter may lie where only root may look."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

from tests.corpus.classifier import ROOT

NOBODY = 65_534


def again_as_nobody(args: list[str]) -> int:
    """Run this Python with these arguments as nobody, in the project's folder; gives its exit code.

    Folders that only root may pass are, in a mount namespace of its own, replaced by empty ones which hold
    nothing but the interpreter, the environment and the project, at the same places.
    """
    needed = [Path(sys.base_prefix), Path(sys.prefix), ROOT]
    closed = sorted({place for path in needed for place in (path, *path.parents) if not _open(place)})
    lines = ["set -e"]
    for place in [x for x in closed if not any(y in x.parents for y in closed)]:
        inside = [path for path in needed if place in (path, *path.parents)]
        inside = [path for path in inside if not any(other in path.parents for other in inside)]
        held = [f"$aside/{number}" for number, _ in enumerate(inside)]
        lines += ["aside=$(mktemp -d)"]
        lines += [
            f"mkdir {at} && mount --bind {_q(path)} {at}" for at, path in zip(held, inside, strict=True)
        ]
        lines += [f"mount -t tmpfs -o mode=755 tmpfs {_q(place)}"]
        for at, path in zip(held, inside, strict=True):
            lines += [f"mkdir -p {_q(path)} && mount --move {at} {_q(path)} && rmdir {at}"]
        lines += ["rmdir $aside"]
    command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", sys.executable, "-B"]
    lines += [f"cd {_q(ROOT)}", f"exec {shlex.join([*command, *args])}"]
    told = ["unshare", "--mount", "--propagation", "private", "sh", "-c", "\n".join(lines)]
    return subprocess.run(told, stdin=subprocess.DEVNULL, check=False).returncode


def _open(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o001)


def _q(path: Path) -> str:
    return shlex.quote(str(path))
