"""docs/class.md: each command on it is one that there is."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from grader.cli import main
from grader.workbook import ROOT

PAGE = (ROOT / "docs" / "class.md").read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"(?:^|`|bin/)(saga-lab [^`#\n]+)", PAGE, re.MULTILINE)))


def test_there_are_commands_on_the_page() -> None:
    assert {words.split()[1] for words in COMMANDS} >= {"serve", "submit", "backup", "release", "grade-all"}


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_on_the_page_is_understood(words: str) -> None:
    name, *arguments = shlex.split(words)[1:]
    command = main.commands[name]
    with command.make_context(name, arguments, resilient_parsing=False) as context:
        assert isinstance(context, click.Context)
