"""What hostile submissions try, as data: Python files, forged messages, and files that are no files.

The first line of each file in `submissions/` says what is tried, what holds it, and the verdict; `sandbox`
at its end means that limits alone do not claim to hold it.
"""

from __future__ import annotations

import itertools
import json
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SAGA = (
    "async def order_saga(saga, order, shop):\n"
    '    return OrderResult("completed", "payment-1", "reservation-1", "shipment-1")\n'
)
IMPORT = "from saga_lab.worlds.shop import OrderResult\n"
FILE = "exercise1_ecommerce_order"


@dataclass(frozen=True)
class Attack:
    """One submission. `make` puts it into a folder, and gives what is handed in."""

    name: str
    tried: str
    held_by: str
    verdict: str
    make: Callable[[Path], Path]
    sandbox: bool = False


def attacks(words: dict[str, str]) -> list[Attack]:
    """All of them; `words` are put in for `{CLASS}` and the like in the Python files."""
    files = [_python(path, words) for path in sorted((HERE / "submissions").glob("*.py"))]
    forged = [_forged(name, *told) for name, told in FORGED.items()]
    odd = [
        Attack(name, name, held_by, verdict, lambda folder, make=make: make(folder))
        for name, (held_by, verdict, make) in ODD.items()
    ]
    return [*files, *forged, *odd]


def _python(path: Path, words: dict[str, str]) -> Attack:
    source = path.read_text(encoding="utf-8")
    tried, held_by, verdict, *where = source.splitlines()[0].removeprefix("# ").split(" | ")
    for word, value in words.items():
        source = source.replace(f"{{{word}}}", value)
    return Attack(path.stem, tried, held_by, verdict, _text(source), where == ["sandbox"])


def _text(source: str | bytes, suffix: str = ".py") -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / f"{FILE}{suffix}"
        path.write_bytes(source if isinstance(source, bytes) else source.encode())
        return path

    return make


# ---- forged messages


def _frame(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def _turn(*messages: dict[str, Any], **more: Any) -> bytes:
    return _frame(json.dumps([{"messages": messages, **more}]).encode())


def _wrote(**event: Any) -> dict[str, Any]:
    return {"type": "append", "version": 0, "events": [{"id": "order-001", "at": 1_767_258_000.0, **event}]}


STARTED: dict[str, Any] = {"type": "started", "saga": "order_saga", "request": {"order_id": "order-001"}}
DONE = {"type": "ended", "result": {"status": "completed", "payment_id": "payment-1"}}
CALL: dict[str, Any] = {"type": "call", "number": 1, "operation": "payments.charge", "key": "k", "args": []}
FORGED: dict[str, tuple[str, str]] = {
    "no JSON": ('_frame(b"{")', "fail"),
    "wrong types": ("""_frame(b'[{"messages": 3}]')""", "fail"),
    "another kind of answer": ("""_frame(b'{"text": "heard"}')""", "fail"),
    "a length of 4 GB": (r'b"\xff\xff\xff\xff"', "fail"),
    "5 MB in one message": ('_frame(b" " * 5_000_000)', "fail"),
    "half a message": (r'b"\0\0\0\x10ab"', "fail"),
    "10,000 answers to one question": ("""_frame(b'[{"messages": []}]') * 10_000""", "fail"),
    "an answer before the question": ("""_frame(b'[]')""", "fail"),
    "JSON 100,000 levels deep": ('_frame(b"[" * 100_000)', "fail"),
    "a value 900 levels deep": (repr(_turn({**DONE, "result": "@"})).replace('"@"', "@DEEP@"), "fail"),
    "NaN": ("""_frame(b'[{"messages": [], "wake": NaN}]')""", "fail"),
    "a number without an end": ("""_frame(b'[{"messages": [], "wake": 1' + b"0" * 5_000 + b'}]')""", "fail"),
    "a wake in 10**30 ms": (repr(_turn(wake=10**30)), "fail"),
    "half a character": (repr(_turn({**CALL, "key": "\ud800"})), "fail"),
    "a text that is no UTF-8": ("""_frame(b'[{"messages": [], "wake": "\\xff"}]')""", "fail"),
    "an operation that is not there": (repr(_turn({**CALL, "operation": "judge.pass"})), "fail"),
    "two calls of one number": (repr(_turn(CALL, CALL)), "fail"),
    "an end that never was": (repr(_turn(DONE)), "fail"),
    "two ends": (repr(_turn(DONE, DONE)), "fail"),
    "a journal of another saga": (repr(_turn(_wrote(**STARTED, id="order-002"))), "fail"),
    "a request of its own": (repr(_turn(_wrote(**STARTED))), "fail"),
    "a cancel by nobody": (repr(_turn(_wrote(type="cancel asked"))), "fail"),
    "an answer by nobody": (repr(_turn(_wrote(type="promise answered", name="x"))), "fail"),
    "a step that ended before it began": (
        repr(_turn(_wrote(type="step ended", step="x", nth=1, key="k", outcome="done", attempts=1))),
        "fail",
    ),
    "a deadline in the year 10**290": (
        repr(_turn(_wrote(type="deadline set", mark="1", until=1e300))),
        "fail",
    ),
}
"""What is written to every socket in place of a turn: a Python expression, and the verdict."""
FORGER = """\
import os
import socket
import stat

{imports}

def _frame(data):
    return len(data).to_bytes(4, "big") + data


def forge():
    for number in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                socket.socket(fileno=os.dup(number)).sendall({data})
        except OSError:
            pass


async def order_saga(saga, order, shop):
    forge()
    return OrderResult("completed", "payment-1", "reservation-1", "shipment-1")
"""


def _forged(name: str, data: str, verdict: str) -> Attack:
    if "@DEEP@" in data:
        data = """_frame(b'[{"messages":[{"type":"ended","result":' + b"[" * 900 + b"]" * 900 + b'}]}]')"""
    source = FORGER.format(imports=IMPORT, data=data)
    return Attack(
        f"forged: {name}",
        f"a forged message: {name}",
        "only what an engine says is heard",
        verdict,
        _text(source),
    )


# ---- files that are no submission, or no file


def notebook(*cells: str | tuple[str, str], outputs: list[Any] | None = None) -> bytes:
    """A notebook of these cells: their source, or their kind and source."""
    told = [cell if isinstance(cell, tuple) else ("code", cell) for cell in cells]
    made = [
        {"cell_type": kind, "id": f"c{n}", "metadata": {}, "source": source}
        | ({"execution_count": None, "outputs": outputs or []} if kind == "code" else {})
        for n, (kind, source) in enumerate(told)
    ]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def _book(*cells: str | tuple[str, str], outputs: list[Any] | None = None) -> Callable[[Path], Path]:
    return _text(notebook(*cells, outputs=outputs), ".ipynb")


def _long(folder: Path) -> Path:
    path = _text(f"{IMPORT}\n\n{SAGA}")(folder)
    os.truncate(path, 100_000_000)
    return path


def _loud(folder: Path) -> Path:
    text = {"output_type": "stream", "name": "stdout", "text": ["x" * 1_000_000] * 50}
    return _book(("markdown", "# My order"), f"{IMPORT}\n\n{SAGA}", outputs=[text])(folder)


def _link(target: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / f"{FILE}.py"
        path.symlink_to(os.path.normpath(folder / target))
        return path

    return make


def _fifo(folder: Path) -> Path:
    os.mkfifo(folder / f"{FILE}.py")
    return folder / f"{FILE}.py"


def _door(folder: Path) -> Path:
    here = os.getcwd()
    os.chdir(folder)  # the name of a socket is short
    with socket.socket(socket.AF_UNIX) as line:
        line.bind(f"{FILE}.py")
    os.chdir(here)
    return folder / f"{FILE}.py"


def _changing(folder: Path) -> Path:
    """It is another file every few milliseconds, for as long as it lies there."""
    path = _text(f"{IMPORT}\n\n{SAGA}")(folder)
    other = folder / "other.py"

    def change() -> None:
        with suppress(FileNotFoundError):  # until the folder is gone
            for n in itertools.count():
                other.write_text(f"{IMPORT}\n\n{SAGA}".replace("completed", f"completed {n}"))
                other.replace(path)
                time.sleep(0.003)

    threading.Thread(target=change, daemon=True).start()
    return path


def _surrogate(folder: Path) -> Path:
    path = os.fsencode(folder) + b"/exercise1_\xff\x1b[2J.py"
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{IMPORT}\n\n{SAGA}")
    return Path(os.fsdecode(path))


def _nested(before: str, after: str = "", times: int = 100_000) -> Callable[[Path], Path]:
    return _text(f"{IMPORT}x = {before * times}1{after * times}\n\n\n{SAGA}")


def _blocks(folder: Path) -> Path:
    lines = [f"{' ' * n}if x:" for n in range(2_000)]
    return _text("\n".join([*lines, " " * 2_000 + "pass", "", SAGA]))(folder)


TWICE = SAGA.replace("completed", "failed")
ODD: dict[str, tuple[str, str, Callable[[Path], Path]]] = {
    "a notebook whose cell was deleted": ("nothing to run", "not run", _book(IMPORT)),
    "a notebook whose cell is there twice": ("the last one is graded", "fail", _book(IMPORT, SAGA, TWICE)),
    "a notebook whose cell was made text": ("nothing to run", "not run", _book(IMPORT, ("markdown", SAGA))),
    "a notebook whose cell was made raw": ("nothing to run", "not run", _book(IMPORT, ("raw", SAGA))),
    "a notebook with a name bound twice": (
        "the nearest one before it",
        "fail",
        _book(IMPORT, "OrderResult = dict", IMPORT, SAGA, "order_saga = None\nOrderResult = None", SAGA),
    ),
    "a notebook that binds the function last": ("that is graded", "not run", _book(SAGA, "order_saga = 1")),
    "a notebook that is cut off": ("nothing to run", "not run", _text(notebook(SAGA)[:-20], ".ipynb")),
    "a notebook of other JSON": ("nothing to run", "not run", _text("[[1]]", ".ipynb")),
    "a notebook of cells that are no cells": ("nothing to run", "not run", _text('{"cells": [3]}', ".ipynb")),
    "a notebook of source that is no text": (
        "nothing to run",
        "not run",
        _text('{"cells": [{"cell_type": "code", "source": [1, null]}]}', ".ipynb"),
    ),
    "a notebook 100,000 levels deep": ("an error told as such", "not run", _text("[" * 100_000, ".ipynb")),
    "a notebook with 50 MB of output": ("only code is read", "fail", _loud),
    "a notebook with a cell of deep source": (
        "an error told as such",
        "not run",
        _book(IMPORT, f"order_saga = {'(' * 5_000}1{')' * 5_000}"),
    ),
    "a notebook whose cell uses itself": ("each name once", "fail", _book(IMPORT, "a = b", "b = a", SAGA)),
    "100 MB of source": ("a limit on the file", "not run", _long),
    "100,000 brackets": ("an error told as such", "not run", _nested("(", ")")),
    "100,000 lists in lists": ("an error told as such", "not run", _nested("[", "]")),
    "100,000 signs": ("an error told as such", "not run", _nested("-")),
    "100,000 sums": ("an error told as such", "not run", _nested("1+")),
    "100,000 attributes": ("an error told as such", "not run", _nested("", ".real")),
    "100,000 calls": ("an error told as such", "not run", _nested("", "()")),
    "20,000 functions": ("an error told as such", "not run", _nested("lambda: ", times=20_000)),
    "2,000 blocks": ("an error told as such", "not run", _blocks),
    "null bytes": ("an error told as such", "not run", _text(f"{IMPORT}\0\n{SAGA}")),
    "a link to the gradebook": ("links lead nowhere else", "not run", _link("../gradebook.db")),
    "a link to another's submission": ("links lead nowhere else", "not run", _link(f"../ada/{FILE}.py")),
    "a link to an endless device": ("links lead nowhere else", "not run", _link("/dev/zero")),
    "a link to itself": ("an error told as such", "not run", _link(f"{FILE}.py")),
    "a FIFO": ("only files are read", "not run", _fifo),
    "a socket": ("only files are read", "not run", _door),
    "a file that changes while it is graded": ("it is read once", "fail", _changing),
    "a name that is no text": ("an error told as such", "not run", _surrogate),
}
"""By what is tried: what holds it, the verdict, and how it is made."""
