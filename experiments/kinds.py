"""The kinds of tasks, by the name that a task file gives (`data.task.ANSWERS` says what their keys mean)."""

from __future__ import annotations

from experiments.kind import ChoiceKind, Kind
from experiments.kind_matching import Matching
from experiments.kind_realfake import RealFake
from experiments.kind_same_different import SameDifferent
from experiments.kind_two_alternative import TwoAlternative

CHOICES: dict[str, ChoiceKind] = {
    "realfake": RealFake(),
    "two_alternative": TwoAlternative(),
    "same_different": SameDifferent(),
}
MATCHING = Matching()
KINDS: dict[str, Kind] = {**CHOICES, "matching": MATCHING}
