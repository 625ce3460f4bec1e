"""The task `threshold`: a known fake beside a real image, of a visibility that follows the answers; which is the fake?

Of two images, not of one: where participants would say yes or no, the threshold would move with how readily they say
yes; a choice between two places has no such criterion, and its guesses are right in half of all trials.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from data.kinds.kind import ANSWER_COLUMNS, SIDES, Answer, Judged, Pool, planned
from data.plan import Layout, Plan, PlannedTrial, Presentation
from data.record import Event
from data.simulated.detector import SimulatedDetector
from data.trials import COLUMN_NOTES, refuse_rows


class Threshold(Judged[SimulatedDetector]):
    beside = 2
    adaptive = True
    simulated_by = "detector"
    needs_confidence = False
    report = "scaling.threshold"
    measure = "threshold"
    about = "Choose which of two images is a known fake, whose visibility follows the answers before."
    keys: ClassVar[Mapping[str, str]] = {"left": "left", "right": "right"}
    phrases: ClassVar[Mapping[str, str]] = {
        "opening": "You will see {trials} pairs of images, side by side.\n\nIn each pair one image is a real mammogram "
        "and the other was made by a computer. Some are easy to tell and some very hard. If you cannot tell, guess.",
        "left_asked": "Was the LEFT image made by a computer?",
        "right_asked": "Was the RIGHT image made by a computer?",
        "left_short": "the LEFT image was made by a computer",
        "right_short": "the RIGHT image was made by a computer",
    }
    columns: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "trial": COLUMN_NOTES["trial"],
        "real_id": {"Description": "Id of the real image in the stimulus set."},
        "real_file": {"Description": "File of the real image in the stimulus set."},
        "fake_id": {"Description": "Id of the known fake in the stimulus set."},
        "level": {"Description": "Visibility of the known fake, as the stimulus set says it; missing in practice."},
        "role": COLUMN_NOTES["role"],
        "truth": {"Description": "Where the known fake is.", "Levels": SIDES},
        "response": {"Description": "Where the participant said the known fake is.", "Levels": SIDES},
        **ANSWER_COLUMNS,
    }
    fields: ClassVar[tuple[str, ...]] = ("trial", "role", "level", "truth", "response")
    required = ("level", "truth", "response")
    text = ("role", "truth", "response")
    vocabularies = (("left", "right"), ("first", "second"))
    serial = False

    def refuse_layout(self, layout: Layout) -> None:
        super().refuse_layout(layout)
        if layout.catch_trials:
            raise ValueError("catch_trials: every trial of this kind of task shows a known fake; leave it out")

    def refuse_presentation(self, shown: Presentation) -> None:
        super().refuse_presentation(shown)
        if shown.images == "own":
            raise ValueError("images: known fakes follow the answers, so all participants share them; leave it out")

    def draw(
        self,
        images: Pool,
        wanted: Layout,
        shown: Presentation,  # noqa: ARG002
        rng: np.random.Generator,
    ) -> tuple[list[PlannedTrial], ...]:
        """Real images, and on which side a known fake will stand; practice has its own fakes already."""

        def pairs(role: str, count: int) -> list[PlannedTrial]:
            on_left = rng.permutation(count) % 2 == rng.integers(2)
            trials = [planned(image, role) for image in images.take(role, "real", count)]
            sides = ("left" if left else "right" for left in on_left)
            return [trial.model_copy(update={"fake_on": side}) for trial, side in zip(trials, sides, strict=True)]

        fakes = images.take("practice", "generated", wanted.practice_trials)
        practice = [
            trial.model_copy(update={"fake": fake})
            for trial, fake in zip(pairs("practice", wanted.practice_trials), fakes, strict=True)
        ]
        return practice, pairs("main", wanted.trials)

    def truth(self, trial: PlannedTrial) -> str:
        if trial.fake_on is None:
            raise ValueError(f"trial {trial.trial} has no place for a known fake")
        return trial.fake_on

    def simulate(self, who: SimulatedDetector, plan: Plan, trials: Sequence[PlannedTrial]) -> list[Answer]:
        """Answers to trials whose fakes are chosen; practice is at the highest level."""
        levels = [grade.level for grade in plan.grades or ()]
        middle = float(np.sqrt(levels[0] * levels[-1]))
        answers = []
        for trial in trials:
            here = (plan.session, trial.trial)
            correct = who.is_correct(trial.level or levels[-1], middle, *here)
            side = self.truth(trial) if correct else {"left": "right", "right": "left"}[self.truth(trial)]
            sure = 1 + trial.trial % plan.confidence_levels if plan.confidence_levels else None
            answers.append(Answer(side, sure, who.response_time(*here), 0.6 if sure else None))
        return answers

    def row(self, trial: PlannedTrial) -> dict[str, Any]:
        return {"real_id": trial.stimulus_id, "real_file": trial.file, "truth": self.truth(trial)}

    def answered(self, trial: PlannedTrial, answer: Event) -> dict[str, Any]:
        return {**super().answered(trial, answer), **{name: answer.get(name) for name in ("fake_id", "level")}}

    def check(self, table: pd.DataFrame, source: str) -> pd.DataFrame:
        level = pd.to_numeric(table["level"], errors="coerce").astype(float)
        asked = (table["role"] == "main") & table["response"].notna()
        wrong = (table["level"].notna() | asked) & ~((level > 0) & (level < np.inf))
        refuse_rows(wrong, source, "level is not a number above 0", code="not-a-number")
        return super().check(table, source).assign(level=level)


KIND = Threshold()
