"""saga-lab serve: why it does not start is said in words, and what it was given is as it was."""

from __future__ import annotations

import csv
import socket
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from uvicorn import Server

from grader.cli import main
from grader.gradebook import Gradebook, is_teacher

Serve = Callable[..., tuple[int, str]]


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Runs the command with a server that ends at once; gives the exit code, and what it said."""

    async def ends_at_once(server: Server, sockets: list[socket.socket]) -> None:
        assert server.config.app is not None and sockets

    monkeypatch.setattr(Server, "serve", ends_at_once)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, ["serve", "--port", "0", *words])
        return done.exit_code, done.output

    return run


def test_the_teachers_token_is_told_once_and_another_only_when_asked_for(serve: Serve) -> None:
    code, said = serve()
    assert code == 0 and "The course: http://127.0.0.1:" in said and "saga-lab submit FILE --to" in said
    first = said.partition("shown this once: ")[2].split()[0]
    assert first not in serve()[1]
    second = serve("--new-teacher-token")[1].partition("shown this once: ")[2].split()[0]
    book = Gradebook()
    assert [is_teacher(book, token) for token in (first, second, "")] == [False, True, False]
    book.close()
    assert not any(
        token.encode() in path.read_bytes() for path in Path().iterdir() for token in (first, second)
    )


def test_a_roster_is_enrolled_and_its_tokens_are_for_the_teacher_alone(serve: Serve) -> None:
    Path("class.csv").write_text("ada,Ada\n")
    assert "1 enrolled. Their tokens are in class-tokens.csv" in serve("--roster", "class.csv")[1]
    tokens = Path("class-tokens.csv")
    assert stat.S_IMODE(tokens.stat().st_mode) == 0o600
    (row,) = csv.DictReader(tokens.open())
    book = Gradebook()
    found = book.who(row["token"])
    assert found is not None and found.id == "ada"
    book.close()
    assert "everybody in class.csv was enrolled already" in serve("--roster", "class.csv")[1]
    Path("class.csv").write_text("ada,Ada\nbert,Bert\n")
    assert "class-tokens-2.csv" in serve("--roster", "class.csv")[1]
    assert tokens.read_text().count("\n") == 2, "what was there is left"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--roster", "none.csv"], "none.csv cannot be read"),
        (["--roster", "empty.csv"], "The list is empty"),
        (["--host", "203.0.113.1"], "no address 203.0.113.1"),
        (["mysql://host/grades"], "SQLite or PostgreSQL"),
        (["none/gradebook.db"], "folder exists"),
    ],
)
def test_what_keeps_it_from_starting_is_told(serve: Serve, words: list[str], said: str) -> None:
    Path("empty.csv").touch()
    code, told = serve(*words)
    assert code == 2 and said in told and "Traceback" not in told


def test_a_port_in_use_leaves_everything_as_it_was(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        code, told = serve("--port", str(other.getsockname()[1]))
    assert code == 2 and "another program listens" in told
    assert [*Path().iterdir()] == []


def test_without_its_extra_it_says_what_to_install(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("grader.course")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    code, told = serve()
    assert code == 1 and "pip install 'saga-lab[serve]'" in told and "uvicorn" in told
