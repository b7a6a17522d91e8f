"""Grade every hostile submission in every sandbox; the table tells what held it.

    python -m tests.hostile [--means MEANS] [WORD]

As root it does so a second time, as nobody. Exits with 1 when anything did not hold.
"""

from __future__ import annotations

import argparse
import os
import sys
import typing

from grader.sandbox import Means, Sandbox
from tests.hostile.arena import arena
from tests.hostile.nobody import again_as_nobody


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile")
    parser.add_argument("--means", choices=typing.get_args(Means), help="this sandbox alone")
    parser.add_argument("word", nargs="?", default="", help="only attacks with this in their name")
    options = parser.parse_args()
    wrong = 0
    for means in [options.means] if options.means else typing.get_args(Means):
        who = "root" if os.getuid() == 0 else f"user {os.getuid()}"
        print(f"\n{means}, as {who}\n{'points':>6} {'seconds':>7}  {'verdict':<13} attack: held by")
        wrong += _table(Sandbox(means), options.word)
    if os.getuid() == 0:
        wrong += again_as_nobody(["-m", "tests.hostile", *sys.argv[1:]])
    return 1 if wrong else 0


def _table(sandbox: Sandbox, word: str) -> int:
    """One line an attack; gives how many did not hold."""
    wrong = ran = 0
    with arena() as place:
        for attack in place.attacks:
            if word not in attack.name or (attack.sandbox and sandbox.means == "limits only"):
                continue
            outcome = place.run(attack, sandbox)
            ran += 1
            wrong += bool(outcome.wrong)
            told = f"{attack.name.replace('_', ' ')}: {attack.held_by}"
            print(f"{outcome.points:>6} {outcome.seconds:>7.2f}  {outcome.verdict:<13} {told}", flush=True)
            for what in outcome.wrong:
                print(f"       WRONG: {what}", flush=True)
    print(f"{ran} submissions; {wrong} were not held")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
