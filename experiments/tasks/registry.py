"""The kinds of tasks, by the name that a task file gives (`data.task.ANSWERS` says what their keys mean)."""

from __future__ import annotations

from experiments.tasks.kind import ChoiceKind, Kind
from experiments.tasks.matching import Matching
from experiments.tasks.realfake import RealFake
from experiments.tasks.same_different import SameDifferent
from experiments.tasks.two_alternative import TwoAlternative

CHOICES: dict[str, ChoiceKind] = {
    "realfake": RealFake(),
    "two_alternative": TwoAlternative(),
    "same_different": SameDifferent(),
}
MATCHING = Matching()
KINDS: dict[str, Kind] = {**CHOICES, "matching": MATCHING}
