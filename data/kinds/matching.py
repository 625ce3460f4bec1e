"""The task `matching`: turn one image of a morph loop until it looks like the one that was shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import pandas as pd

from data.circle import wrap
from data.errors import LookalikeError
from data.kinds.kind import Answer, Kind
from data.kinds.targets import draw_start, draw_targets
from data.loops import Loop
from data.plan import Layout, Match, Plan, PlannedTrial, Presentation
from data.record import Event
from data.simulated.adjuster import SimulatedAdjuster
from data.trials import COLUMN_NOTES, check_order, refuse_rows

_ANSWERED = ("confidence", "response_time", "confidence_time", "paused_time", "unfocused_time", "adjust_onset")
PRACTICE = "practice"  # the loop of this name is for practice only
_ROLES = COLUMN_NOTES["role"]["Levels"]


def _place(description: str) -> dict[str, Any]:
    return {"Description": description, "Units": "deg"}


class Loops(Protocol):
    """Morph loops by name, below a folder (`stimuli.loop_set.LoopSet`)."""

    @property
    def folder(self) -> Path: ...

    @property
    def loops(self) -> Mapping[str, Loop]: ...

    @property
    def files(self) -> Mapping[str, str]:
        """Where each frame is below the folder, by id."""

    def ids(self, loop: str) -> tuple[str, ...]:
        """The ids of a loop's frames, in order."""

    def positions(self, loop: str) -> tuple[float, ...]:
        """The positions of a loop's frames, in degrees."""


class Matching(Kind[Loops, SimulatedAdjuster]):
    shows = "loops"
    response = "dial"
    answered_while_shown = False
    simulated_by = "adjuster"
    report = "matching"
    measure = "amplitude_deg"
    about = "Match an image on a morph loop: turn another image of the loop until it looks like the one that was shown."
    keys: ClassVar[Mapping[str, str]] = {}
    phrases: ClassVar[Mapping[str, str]] = {
        "opening": "You will see {trials} mammogram images, one at a time, each only for a moment.\n\nAfter each one, "
        "another image appears, with a ring around it. Turn it until it looks like the image that you have just seen.",
        "how_to_answer": "To turn it, scroll the mouse wheel, press the LEFT and RIGHT arrow keys (hold one down to "
        "turn faster), or drag along the ring. When it looks right, press SPACE or ENTER, or click on the image.",
    }
    shown_column = "target_deg"
    answer_column = "response_deg"
    fields = ("trial", "role", "loop", "target_deg", "response_deg")
    required = ("target_deg", "response_deg")
    text = ("role", "loop")
    fills: ClassVar[Mapping[str, tuple[object, str]]] = {"loop": ("loop", "one loop throughout")}
    serial = True
    columns: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "trial": COLUMN_NOTES["trial"],
        "loop": {"Description": "The morph loop; positions on it are in degrees, 360 around."},
        "stimulus_id": {"Description": "Id of the target, the image to be matched, among the loops' frames."},
        "stim_file": {"Description": "File of the target among the loops."},
        "role": {
            "Description": "What the trial is for; only main trials are measured.",
            "Levels": {role: _ROLES[role] for role in ("main", "practice")},
        },
        "target_deg": _place("Position of the target on the loop."),
        "start_deg": _place("Position at which the image that is turned started."),
        "ring_deg": _place("Where position 0 was on the ring around that image, clockwise from its top."),
        "response_deg": _place("Position that was confirmed as the match."),
        "error_deg": _place(
            "response_deg - target_deg, wrapped to [-180, 180); positive is towards larger positions on the loop."
        ),
        "previous_target_deg": _place(
            "Target of the previous trial. Missing where no trial on the same loop came directly before: after a gap, "
            "and in a trial without an answer."
        ),
        "previous_response_deg": _place("Response to the previous trial; missing where previous_target_deg is."),
        "previous_difference_deg": _place(
            "previous_target_deg - target_deg, wrapped to [-180, 180). Where error_deg has the same sign, the match "
            "was attracted to the previous target."
        ),
        "confidence": COLUMN_NOTES["confidence"],
        "response_time": {
            "Description": "From the onset of the image that is turned to the confirmation.",
            "Units": "s",
        },
        "confidence_time": {"Description": "From the confirmation to the confidence answer.", "Units": "s"},
        "onset": {"Description": "Target onset on the session's clock.", "Units": "s"},
        "adjust_onset": {"Description": "Onset of the image that is turned, on the session's clock.", "Units": "s"},
    }

    def refuse_layout(self, layout: Layout) -> None:
        if layout.catch_trials or layout.max_run is not None:
            raise ValueError("catch_trials and max_run: all targets are generated; leave them out")
        if layout.confidence_levels == 1:
            raise ValueError("confidence_levels: a scale has 2 levels or more, and 0 asks for no confidence; this is 1")

    def refuse_presentation(self, shown: Presentation) -> None:
        if shown.exposure_s is None:
            raise ValueError("exposure_s: the image is matched after it has gone; say how long it is shown")
        if shown.separation_deg is not None:
            raise ValueError("separation_deg is a setting of tasks with pairs; leave it out")
        if shown.compared_images != Presentation.model_fields["compared_images"].default:
            raise ValueError("compared_images is a setting of tasks with triads; leave it out")
        if shown.images == "own":
            raise ValueError("images: every participant has targets of their own already; leave it out")

    def draw(
        self, images: Loops, wanted: Layout, shown: Presentation, rng: np.random.Generator
    ) -> tuple[list[PlannedTrial], ...]:
        """The practice trials, on the loop called `practice`, and the main ones, shared out among all others.

        They are shared out as evenly as whole numbers allow, and which loops have one more is drawn. See
        `data.kinds.targets` for targets and starts; positions on the ring are uniform. Raises `LookalikeError` if there
        is no loop for either, or a loop has no frame to start at.
        """
        own, others = ([name for name in sorted(images.loops) if (name == PRACTICE) == kept] for kept in (True, False))
        refuse_no_loop(images, own, others, wanted.practice_trials)

        def share_out(role: str, names: list[str], count: int) -> list[PlannedTrial]:
            if not count:
                return []
            counts = rng.permutation([len(part) for part in np.array_split(np.arange(count), len(names))])
            return [
                _planned(images, name, role, target, shown.min_start_deg, rng)
                for name, share in zip(names, counts, strict=True)
                for target in draw_targets(len(images.ids(name)), int(share), rng)
            ]

        return share_out("practice", own, wanted.practice_trials), share_out("main", others, wanted.trials)

    def truth(self, trial: PlannedTrial) -> str:
        return trial.truth

    def loop_block(self, trial: PlannedTrial) -> str:
        return trial.need_match().loop

    def opening(self, plan: Plan) -> list[str]:
        return [self.say(plan, "opening", trials=len(plan.trials))]

    def how_to_answer(self, plan: Plan) -> str:
        return self.say(plan, "how_to_answer")

    def simulate(self, who: SimulatedAdjuster, plan: Plan, trials: Sequence[PlannedTrial]) -> list[Answer]:
        """Positions anywhere on the loop; the previous target carries over if it was on the same loop."""
        answers: list[Answer] = []
        previous: Match | None = None
        for trial in trials:
            match, levels = trial.need_match(), plan.confidence_levels
            carried = previous.target_deg if previous is not None and previous.loop == match.loop else None
            made = who.adjust(match.target_deg, carried, plan.session, trial.trial)
            confidence = 1 + int(levels * made.sureness) if levels else None
            answers.append(Answer(made.response_deg, confidence, made.response_time, 0.6 if levels else None))
            previous = match
        return answers

    def row(self, trial: PlannedTrial) -> dict[str, Any]:
        match = trial.need_match()
        return {
            "loop": match.loop,
            "stimulus_id": trial.stimulus_id,
            "stim_file": trial.file,
            "target_deg": match.target_deg,
            "start_deg": match.start_deg,
            "ring_deg": match.ring_deg,
        }

    def is_answer(self, response: Any) -> bool:
        return isinstance(response, (int, float)) and 0 <= response < 360

    def answered(self, trial: PlannedTrial, answer: Event) -> dict[str, Any]:
        response = answer.get("response")
        error = None if response is None else round(float(wrap(response - trial.need_match().target_deg)), 6)
        return {"response_deg": response, "error_deg": error, **{name: answer.get(name) for name in _ANSWERED}}

    def finish(self, table: pd.DataFrame) -> pd.DataFrame:
        """Adds the target and response of the previous trial, where they can have carried over."""
        before = table.shift()
        follows = (
            table["response_deg"].notna()
            & (table["after_gap"] == "no")
            & (table["role"] == before["role"])
            & (table["loop"] == before["loop"])
        )
        previous = {name: before[name].where(follows) for name in ("target_deg", "response_deg")}
        difference = np.round(wrap(previous["target_deg"].astype(float) - table["target_deg"]), 6)
        return table.assign(
            previous_target_deg=previous["target_deg"],
            previous_response_deg=previous["response_deg"],
            previous_difference_deg=difference,
        )

    def check(self, table: pd.DataFrame, source: str) -> pd.DataFrame:
        check_order(table, source)
        table = table.copy()
        for name in (self.shown_column, self.answer_column):
            angle = pd.to_numeric(table[name], errors="coerce")
            broken = (angle.isna() & table[name].notna()) | np.isinf(angle)
            refuse_rows(broken, source, f"{name} is not a number of degrees", code="not-a-number")
            table[name] = angle.astype(float)
        refuse_rows(table["target_deg"].isna(), source, "target_deg is missing", code="missing-value")
        refuse_rows(table["loop"].isna(), source, "loop is missing", code="missing-value")
        return table


def refuse_no_loop(images: Loops, practice: Sequence[str], main: Sequence[str], practice_trials: int) -> None:
    """Raise `LookalikeError` if there is no loop for the main trials, or none for the practice that is wanted."""
    if not main:
        raise LookalikeError(
            "no-main-loop",
            f"{images.folder}: has a loop to practise on and no other; add a loop for the main trials",
        )
    if practice_trials and not practice:
        raise LookalikeError(
            "no-practice-loop",
            f"{images.folder}: has no loop to practise on, and practice images appear nowhere else; make one more "
            f"with 'lookalike morph' in a folder called {PRACTICE} beside the others, or set practice_trials = 0",
        )


def _planned(
    loops: Loops, name: str, role: str, target: int, least_deg: float, rng: np.random.Generator
) -> PlannedTrial:
    positions, ids, frames = loops.positions(name), loops.ids(name), loops.loops[name].frames
    start = draw_start(positions, target, least_deg, rng)
    match = Match(
        loop=name,
        target_deg=positions[target],
        start_deg=positions[start],
        start_id=ids[start],
        ring_deg=round(float(rng.uniform(0, 360)), 3) % 360,
    )
    return PlannedTrial.model_validate(
        {
            "trial": 1,
            "stimulus_id": ids[target],
            "file": loops.files[ids[target]],
            "truth": "generated",
            "role": role,
            "sha256": frames[target].sha256,
            "match": match,
        }
    )


KIND = Matching()
