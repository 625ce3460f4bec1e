"""The task `triads`: three images of a morph loop side by side; which outer one differs more from the middle one?

Difference scaling of the answers (`analysis.scaling`) says how far apart the images of the loop look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from data.errors import LookalikeError
from data.kinds.kind import ANSWER_COLUMNS, SIDES, Answer, Choice
from data.kinds.matching import PRACTICE, Loops, refuse_no_loop
from data.loops import Frame
from data.plan import Image, Layout, Plan, PlannedTrial, Presentation, Triad
from data.simulated.comparer import SimulatedComparer, draw_triads
from data.trials import COLUMN_NOTES, check_order, refuse_rows

_SIDES = ("left", "middle", "right")


def _side(side: str) -> dict[str, Mapping[str, Any]]:
    where = "in the middle" if side == "middle" else f"on the {side}"
    return {
        f"{side}_id": {"Description": f"Id of the image {where}, among the loops' frames."},
        f"{side}_deg": {"Description": f"Position of the image {where} on the loop.", "Units": "deg"},
    }


class Triads(Choice[Loops, SimulatedComparer]):
    shows = "loops"
    beside = 3
    simulated_by = "comparer"
    needs_confidence = False
    report = "scaling.triads"
    measure = "length_jnd"
    about = "Choose which of two images of a morph loop differs more from a third one between them."
    keys: ClassVar[Mapping[str, str]] = {"left": "left", "right": "right"}
    phrases: ClassVar[Mapping[str, str]] = {
        "opening": "You will see {trials} sets of three mammogram images, side by side.\n\nCompare the image on the "
        "left with the one in the middle, and the image on the right with the one in the middle. Which of the two "
        "differs more from the middle one?",
        "left_asked": "Does the LEFT image differ more from the middle one?",
        "right_asked": "Does the RIGHT image differ more from the middle one?",
        "left_short": "the LEFT image differs more",
        "right_short": "the RIGHT image differs more",
    }
    columns: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "trial": COLUMN_NOTES["trial"],
        "loop": {"Description": "The morph loop; positions on it are in degrees, 360 around."},
        **{name: note for side in _SIDES for name, note in _side(side).items()},
        "role": COLUMN_NOTES["role"],
        "response": {
            "Description": "The image that the participant said differs more from the middle one.",
            "Levels": SIDES,
        },
        **ANSWER_COLUMNS,
    }
    shown_column = "middle_deg"
    fields: ClassVar[tuple[str, ...]] = ("trial", "role", "loop", *(f"{side}_deg" for side in _SIDES), "response")
    required = (*(f"{side}_deg" for side in _SIDES), "response")
    text = ("role", "loop", "response")
    fills: ClassVar[Mapping[str, tuple[object, str]]] = {"loop": ("loop", "one loop throughout")}
    vocabularies = (("left", "right"),)
    serial = False

    def refuse_layout(self, layout: Layout) -> None:
        if layout.catch_trials or layout.max_run is not None:
            raise ValueError("catch_trials and max_run: no answer is the right one; leave them out")
        if layout.confidence_levels == 1:
            raise ValueError("confidence_levels: a scale has 2 levels or more, and 0 asks for no confidence; this is 1")

    def refuse_presentation(self, shown: Presentation) -> None:
        super().refuse_presentation(shown)
        if shown.exposure_s is not None:
            raise ValueError("exposure_s: triads are compared for as long as it takes; leave it out")
        if shown.images == "own":
            raise ValueError("images: every participant has triads of their own already; leave it out")
        if shown.separation_deg is not None:
            raise ValueError("separation_deg is a setting of tasks with pairs; leave it out")

    def draw(
        self, images: Loops, wanted: Layout, shown: Presentation, rng: np.random.Generator
    ) -> tuple[list[PlannedTrial], ...]:
        """The practice trials, on the loop called `practice`, and the main ones, shared out among all others.

        Each loop gives `compared_images` frames, evenly spaced, and its triads are drawn as by `draw_triads`; each
        order of the two outer images is on the screen in half of them. Raises `LookalikeError` if there is no loop for
        either, or one has too few frames.
        """
        own, others = ([name for name in sorted(images.loops) if (name == PRACTICE) == kept] for kept in (True, False))
        refuse_no_loop(images, own, others, wanted.practice_trials)

        def share_out(role: str, names: list[str], count: int) -> list[PlannedTrial]:
            parts = rng.permutation([len(part) for part in np.array_split(np.arange(count), max(len(names), 1))])
            return [
                trial
                for name, share in zip(names, parts, strict=False)
                if share
                for trial in _triads(images, name, role, int(share), shown.compared_images, rng)
            ]

        return share_out("practice", own, wanted.practice_trials), share_out("main", others, wanted.trials)

    def truth(self, trial: PlannedTrial) -> str:
        return trial.truth  # no answer is right: that is what the scale is for

    def loop_block(self, trial: PlannedTrial) -> str:
        return trial.need_triad().loop

    def simulate(self, who: SimulatedComparer, plan: Plan, trials: Sequence[PlannedTrial]) -> list[Answer]:
        answers = []
        for trial in trials:
            triad = trial.need_triad()
            made = who.compare(triad.left_deg, triad.middle_deg, triad.right_deg, plan.session, trial.trial)
            levels = plan.confidence_levels
            answers.append(
                Answer(made.response, 1 + int(levels * made.sureness) if levels else None, made.response_time,
                       0.6 if levels else None)
            )  # fmt: skip
        return answers

    def row(self, trial: PlannedTrial) -> dict[str, Any]:
        triad = trial.need_triad()
        ids = dict(zip(_SIDES, trial.images, strict=True))
        positions = {f"{side}_deg": getattr(triad, f"{side}_deg") for side in _SIDES}
        return {"loop": triad.loop, **{f"{side}_id": name for side, name in ids.items()}, **positions}

    def check(self, table: pd.DataFrame, source: str) -> pd.DataFrame:
        check_order(table, source)
        table = table.copy()
        for side in _SIDES:
            angle = pd.to_numeric(table[f"{side}_deg"], errors="coerce").astype(float)
            refuse_rows(~np.isfinite(angle), source, f"{side}_deg is not a number of degrees", code="not-a-number")
            table[f"{side}_deg"] = angle
        refuse_rows(table["loop"].isna(), source, "loop is missing", code="missing-value")
        unknown = ~(table["response"].isin(self.answers) | table["response"].isna())
        refuse_rows(unknown, source, "response is neither 'left' nor 'right'", code="unknown-word")
        return table


def _triads(
    loops: Loops, name: str, role: str, count: int, images: int, rng: np.random.Generator
) -> list[PlannedTrial]:
    ids, positions, frames = loops.ids(name), loops.positions(name), loops.loops[name].frames
    if len(ids) < images:
        raise LookalikeError(
            "set-too-small",
            f"{loops.folder}: the loop {name!r} has {len(ids)} frames, and {images} are to be compared; make a loop of "
            "more frames, or lower compared_images in the task file",
        )
    at = {positions[index]: index for index in np.arange(images) * len(ids) // images}

    def image(position: float) -> Image:
        frame: Frame = frames[at[position]]
        file = loops.files[ids[at[position]]]
        return Image(stimulus_id=ids[at[position]], file=file, truth="generated", sha256=frame.sha256)

    trials = []
    for row in draw_triads(sorted(at), count, closed=True, rng=rng).itertuples():
        triad = Triad(
            loop=name,
            left_deg=row.left_deg,
            middle_deg=row.middle_deg,
            right_deg=row.right_deg,
            middle=image(row.middle_deg),
        )
        outer = {"right": image(row.right_deg), **image(row.left_deg).model_dump()}
        trials.append(PlannedTrial.model_validate({"trial": 1, "role": role, "triad": triad, **outer}))
    return trials


KIND = Triads()
