"""What a learner reads: the whole message about some wrong submissions, as kept in `golden/`.

    python -m tests.corpus.golden

writes them anew, for someone to read; the test compares them byte for byte.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from unittest.mock import patch

from grader import grade, watch
from tests.corpus.classifier import HERE, number

GOLDEN = HERE / "golden"
CHOSEN = sorted(
    path
    for pattern in (
        "exercise1/wrong/M-G01_*",
        "exercise1/wrong/M-G06_*",
        "exercise1/wrong/M1-16_*",
        "exercise2/wrong/M-G02_*",
        "exercise2/wrong/M-G28_*",
        "exercise2/wrong/M2-18_*",
        "exercise3/wrong/M3-01_*",
        "exercise3/wrong/M3-05_*",
        "exercise3/wrong/M-G21_*",
        "exercise4/wrong/M4-05_*",
        "exercise4/wrong/M4-15_*",
        "exercise4/wrong/M4-24_*",
        "exercise5/wrong/M5-01_*",
        "exercise5/wrong/M5-03_*",
        "exercise5/wrong/M5-05_*",
        "exercise6/wrong/M6-01_*",
        "exercise6/wrong/M6-23_*",
        "exercise6/wrong/M6-24_*",
    )
    for path in HERE.glob(pattern)
)


def message(path: Path) -> str:
    """All that is said about a submission, all single faults tried, however long that takes here."""
    with patch.object(watch, "PATIENCE_WHEN_FAILING", watch.PATIENCE):
        return str(grade(number(path), path, quick=True))


def kept(path: Path) -> Path:
    """Where the message about a submission is kept."""
    return GOLDEN / f"{number(path)}_{path.stem}.txt"


def main() -> None:
    GOLDEN.mkdir(exist_ok=True)
    with ProcessPoolExecutor() as pool:
        for path, told in zip(CHOSEN, pool.map(message, CHOSEN), strict=True):
            kept(path).write_text(told, encoding="utf-8")


if __name__ == "__main__":
    main()
