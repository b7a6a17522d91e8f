"""Other names and amounts for the same case, so that what a saga knows by heart helps it in one run only."""

from __future__ import annotations

import re
from typing import NamedTuple
from zlib import crc32

_NUMBER = re.compile(r"(.*?)(\d+)")


class Variation(NamedTuple):
    """The values of a `seed`, the same in every process. Seed 0 has those in which the stories are told."""

    seed: int = 0

    def name(self, usual: str) -> str:
        """With another number at its end: order-001 becomes order-374. Names that differ go on differing."""
        if not self.seed:
            return usual
        known = _NUMBER.fullmatch(usual)
        kind, number = known.groups() if known else (f"{usual}-", "0")
        numbers = 10 ** len(number)
        shift = 1 + crc32(f"{self.seed} {kind}".encode()) % (numbers - 1)
        return f"{kind}{(int(number) + shift) % numbers:0{len(number)}}"

    def cents(self, usual: int) -> int:
        """An amount, by the same factor for all: what was too much still is. Odd cents stay odd."""
        return usual * (3 + 2 * (self.seed % 4)) if self.seed else usual


USUAL = Variation()
