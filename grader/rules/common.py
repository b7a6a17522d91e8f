"""The promises that the sagas of all exercises keep, in the order in which a report lists them."""

from __future__ import annotations

from grader.rules.hidden import H_1, H_2
from grader.rules.liveness import L_1, L_2, L_3, L_4
from grader.rules.safety import S_1, S_2, S_3, S_4, S_5, S_6, S_7, S_8, S_9, S_10
from grader.rules.status import S_0

COMMON = (S_0, S_1, S_2, S_3, S_4, S_5, S_6, S_7, S_8, S_9, S_10, H_1, H_2, L_1, L_2, L_3, L_4)
