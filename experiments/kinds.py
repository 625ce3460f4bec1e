"""The kinds of tasks, by the name that a task file gives (`data.task.ANSWERS` says what their keys mean)."""

from __future__ import annotations

from experiments.kind import Kind
from experiments.kind_realfake import RealFake
from experiments.kind_same_different import SameDifferent
from experiments.kind_two_alternative import TwoAlternative

KINDS: dict[str, Kind] = {
    "realfake": RealFake(),
    "two_alternative": TwoAlternative(),
    "same_different": SameDifferent(),
}
