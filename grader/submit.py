"""Hand in a file: to the course server, or to a folder that saga-lab grade-all reads."""

from __future__ import annotations

import getpass
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from grader.errors import Mendable
from grader.exercises import EXERCISES, Exercise
from grader.submission import CannotRun, read, which
from grader.workbook import MARK, usual

if TYPE_CHECKING:
    import httpx

SETTINGS = ".saga-lab-course.json"
COURSE, TOKEN = "SAGA_LAB_COURSE", "SAGA_LAB_TOKEN"
PATIENCE, TRIES = 60.0, 3
EARLIER = "earlier"
_SAFE = "Your file is as it was. Hand it in again when you like: the same file twice is one attempt."


class NotHandedIn(Mendable):
    """Nothing was handed in, as far as one knows here; the text says why, and what to do."""


class Receipt(Struct, frozen=True):
    """What was handed in, and when (ISO, UTC); `code` is its SHA-256, `result` where the result will be.

    `note` says what was taken, and whether it is late. `warning`: why it will not run, when that is known.
    """

    file: str
    exercise: int
    code: str
    saved: str
    received: str
    note: str
    result: str
    warning: str = ""

    def __str__(self) -> str:
        told = {
            "Handed in": f"{self.file}, last saved {self.saved}, SHA-256 {self.code[:12]}",
            "Received": f"{self.received}. {self.note}",
            "Result": self.result,
            "Note": self.warning,
        }
        return "\n".join(f"{name:<11}{value}" for name, value in told.items() if value)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """In a notebook, as in a terminal."""
        printer.text(str(self))


class _Settings(Struct, frozen=True, omit_defaults=True):
    to: str = ""
    token: str = ""
    name: str = ""


def submit(
    file: str | Path | int,
    to: str = "",
    token: str = "",
    *,
    name: str = "",
    exercise: int | None = None,
    now: Callable[[], float] = time.time,
    pause: Callable[[float], object] = time.sleep,
    transport: httpx.BaseTransport | None = None,
) -> Receipt:
    """Hand in a file, or an exercise by its number: `submit("exercise1_ecommerce_order.py")`, `submit(1)`.

    `to` is the course's address, or a folder, in which each learner has a folder, called `name`. What is
    given once is kept in the working copy; SAGA_LAB_COURSE and SAGA_LAB_TOKEN say the same. What counts is
    the file as it was saved. Raises NotHandedIn, CannotRun.
    """
    path = _file(file) if isinstance(file, int) else Path(file)
    found, warning = _exercise(path, exercise)
    source = path.read_bytes()
    home = path.parent if (path.parent / MARK).exists() else usual()
    kept = _kept(home)
    told = _Settings(
        to or os.environ.get(COURSE, "") or kept.to,
        (token or os.environ.get(TOKEN, "") or kept.token).strip(),
        name or kept.name,
    )
    if not told.to:
        raise NotHandedIn(
            f"Where to? Give --to with the course's address or a folder, once; or set {COURSE}. Your teacher "
            "knows it."
        )
    code, saved = hashlib.sha256(source).hexdigest(), _iso(path.stat().st_mtime)
    if told.to.startswith(("http://", "https://")):
        received, note, result = _to_server(told, path, found, source, code, pause, transport)
    else:
        received, note, result = _to_folder(told, path, found, source, now())
    _keep(home, kept, _Settings(to or kept.to, token or kept.token, name or kept.name))
    return Receipt(path.name, found.number, code, saved, received, note, result, warning)


def _file(number: int) -> Path:
    if number not in EXERCISES:
        raise CannotRun(f"There is no exercise {number}, only {', '.join(map(str, EXERCISES))}.")
    names = [EXERCISES[number].module + ending for ending in (".py", ".ipynb")]
    there = [path for path in map(Path, names) if path.exists()]
    if len(there) != 1:
        which = " and ".join(names) if there else f"no {' and no '.join(names)}"
        raise NotHandedIn(f'Which file? Here is {which}. Say it by its name, as in submit("{names[0]}").')
    return there[0]


def _exercise(path: Path, number: int | None) -> tuple[Exercise, str]:
    """For which exercise it is, and why it will not run, if so: a person may still find something in it."""
    try:
        return read(path, number).exercise, ""
    except CannotRun as problem:
        if not path.is_file() or path.suffix not in (".py", ".ipynb"):
            raise
        try:
            found = which(path, number, ())
        except CannotRun:
            raise problem from None
        return found, f"It was handed in, but will not run. {problem}"


# ---- to the server


def _to_server(
    told: _Settings,
    path: Path,
    exercise: Exercise,
    source: bytes,
    code: str,
    pause: Callable[[float], object],
    transport: httpx.BaseTransport | None,
) -> tuple[str, str, str]:
    import httpx  # a fifth of a second that other commands need not wait for

    if not told.token:
        raise NotHandedIn(f"A token is needed, the one that your teacher gave you: --token, or {TOKEN}.")
    base = told.to.rstrip("/")
    try:
        with httpx.Client(transport=transport, timeout=PATIENCE) as client:
            answer = _posted(client, base, told.token, path, exercise, source, pause)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError):
        raise NotHandedIn(f"{told.to} is no address. It looks like https://course.example.org") from None
    said = _answer(answer, base)
    if said.get("code") != code:
        raise NotHandedIn(f"What arrived at {base} is not your file (SHA-256 differs). {_SAFE}")
    return _iso(said["received"]), said["note"], f"{base}/me/attempts/{said['attempt']}"


def _posted(
    client: httpx.Client,
    base: str,
    token: str,
    path: Path,
    exercise: Exercise,
    source: bytes,
    pause: Callable[[float], object],
) -> httpx.Response:
    """Send it, and again when the network or the server stumbled: twice is one attempt."""
    import httpx

    for tried in range(1, TRIES + 1):
        try:
            answer = client.post(
                f"{base}/api/attempts",
                params={"file": path.name, "exercise": exercise.number},
                headers={b"Authorization": f"Bearer {token}".encode()},
                content=source,
            )
            if answer.status_code not in (502, 503, 504) or tried == TRIES:
                return answer
        except httpx.TransportError as error:
            if isinstance(error, httpx.UnsupportedProtocol):
                raise
            if tried == TRIES:
                raise NotHandedIn(_network(error, base)) from None
        pause(2.0 ** (tried - 1))
    raise AssertionError("the last try returns or raises")


def _network(error: httpx.TransportError, base: str) -> str:
    import httpx

    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        why = f"{base} cannot be reached ({error}). Is the address right, and does the network work?"
    elif isinstance(error, httpx.TimeoutException):
        why = f"{base} did not answer within {PATIENCE:g} s. It may have kept your file, or not."
    else:
        why = f"the connection to {base} broke ({error}). It may have kept your file, or not."
    return f"Not handed in, as far as one knows: {why} {_SAFE}"


def _answer(answer: httpx.Response, base: str) -> dict[str, Any]:
    try:
        said = answer.json()
    except ValueError:
        said = None
    if answer.status_code == 202 and isinstance(said, dict):
        return said
    if isinstance(said, dict) and "problem" in said:
        raise NotHandedIn(f"Not handed in: {said['problem']}")
    if answer.is_redirect:
        there = answer.headers.get("location", "another address")
        raise NotHandedIn(f"Not handed in: {base} sends one on to {there}. Give that as --to.")
    raise NotHandedIn(
        f"Not handed in: {base} answered {answer.status_code}, which is no course of Saga Lab, or one in "
        f"trouble. Check the address. {_SAFE}"
    )


# ---- to a folder


def _to_folder(
    told: _Settings, path: Path, exercise: Exercise, source: bytes, now: float
) -> tuple[str, str, str]:
    folder, name = Path(told.to).expanduser(), told.name or getpass.getuser()
    if not folder.is_dir():
        raise NotHandedIn(f"There is no folder {folder}. Give the one that your teacher made for the class.")
    if name.startswith(".") or not name.isprintable() or {"/", "\\"} & set(name):
        raise NotHandedIn(f"{name!r} cannot be the name of a folder. Give yours with --name.")
    mine = folder / name
    place = mine / f"{exercise.module}{path.suffix}"
    try:
        mine.mkdir(mode=0o750, exist_ok=True)
        if place.exists() and place.read_bytes() == source:
            at = _iso(place.stat().st_mtime)
            return at, "The same file was handed in already; nothing was changed.", _later(place)
        for ending in (".py", ".ipynb"):  # of two, nobody could say which counts
            _set_aside(place.with_suffix(ending), mine / EARLIER, now, keep=ending == path.suffix)
        _write(place, source)
    except OSError as error:
        raise NotHandedIn(f"Not handed in: {error.filename or mine}: {error.strerror}. {_SAFE}") from None
    return _iso(now), "It counts from when your teacher's grader takes it.", _later(place)


def _later(place: Path) -> str:
    return f"with your teacher; what was handed in is {place}"


def _set_aside(old: Path, earlier: Path, now: float, keep: bool) -> None:
    """Nothing that was handed in is lost; `keep`: the new one takes its place in one step."""
    if not old.exists():
        return
    earlier.mkdir(mode=0o750, exist_ok=True)
    aside = earlier / f"{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}-{old.name}"
    if keep:
        shutil.copy2(old, aside)
    else:
        os.replace(old, aside)


def _write(place: Path, source: bytes) -> None:
    """All or nothing, and on the disk when this returns."""
    handle, name = tempfile.mkstemp(dir=place.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(source)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o640)
        os.replace(name, place)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise


# ---- settings


def _kept(home: Path) -> _Settings:
    try:
        return msgspec.json.decode((home / SETTINGS).read_bytes(), type=_Settings)
    except (FileNotFoundError, msgspec.DecodeError):
        return _Settings()


def _keep(home: Path, before: _Settings, now: _Settings) -> None:
    """For the next time, in a working copy; readable by its owner alone, for it holds the token."""
    if now == before or not (home / MARK).exists():
        return
    place = home / SETTINGS
    with open(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(now), indent=2) + b"\n")


def _iso(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
