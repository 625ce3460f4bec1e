"""The task `matching`: turn one image of a morph loop until it looks like the one that was shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from data.circle import wrap
from data.errors import LookalikeError
from data.plan import Match, Plan, PlannedTrial
from data.record import Event
from data.task import Task
from data.trials import AROUND_NOTES, COLUMN_NOTES
from experiments.screen import Screen
from experiments.tasks.targets import draw_start, draw_targets
from stimuli.loop_set import LoopSet
from stimuli.stimulus_source import Stimuli

_ANSWERED = ("confidence", "response_time", "confidence_time", "paused_time", "unfocused_time", "adjust_onset")
PRACTICE = "practice"  # the loop of this name is for practice, and for nothing else
_ROLES = COLUMN_NOTES["role"]["Levels"]


def _place(description: str) -> dict[str, Any]:
    return {"Description": description, "Units": "deg"}


class Matching:
    about = "Match an image on a morph loop: turn another image of the loop until it looks like the one that was shown."
    columns: Mapping[str, Mapping[str, Any]] = {
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
        "ring_deg": _place("Where position 0 stood on the ring round that image, clockwise from its top."),
        "response_deg": _place("Position that was confirmed as the match."),
        "error_deg": _place(
            "response_deg - target_deg, wrapped to [-180, 180); positive is towards larger positions on the loop."
        ),
        "previous_target_deg": _place(
            "Target of the trial before. Missing where none was right before it on the same loop: after a gap, and in "
            "a trial without an answer."
        ),
        "previous_response_deg": _place("Response to the trial before; missing likewise."),
        "previous_difference_deg": _place(
            "previous_target_deg - target_deg, wrapped to [-180, 180). Where error_deg has the same sign the match was "
            "drawn towards the target before."
        ),
        "confidence": COLUMN_NOTES["confidence"],
        "response_time": {
            "Description": "From the onset of the image that is turned to the confirmation.",
            "Units": "s",
        },
        "confidence_time": {"Description": "From the confirmation to the confidence answer.", "Units": "s"},
        "onset": {"Description": "Target onset on the session's clock.", "Units": "s"},
        "adjust_onset": {"Description": "Onset of the image that is turned, on the session's clock.", "Units": "s"},
        **{name: note for name, note in AROUND_NOTES.items() if name != "key_mapping"},
    }

    def draw(
        self, loops: LoopSet, task: Task, trials: int, practice_trials: int, rng: np.random.Generator
    ) -> tuple[list[PlannedTrial], ...]:
        """The practice trials, on the loop called `practice`, and the main ones, shared out among all others.

        They are shared out as evenly as whole numbers allow, and which loops have one more is drawn. See `targets`
        for targets and starts; places on the ring are uniform. Raises `LookalikeError` if there is no loop for either,
        or a loop has no frame to start at.
        """
        own, others = ([name for name in sorted(loops.loops) if (name == PRACTICE) == kept] for kept in (True, False))
        if not others:
            raise LookalikeError(
                f"{loops.folder}: has a loop to practise on and no other; add a loop for the main trials"
            )
        if practice_trials and not own:
            raise LookalikeError(
                f"{loops.folder}: has no loop to practise on, and practice images appear nowhere else; make one more "
                f"with 'lookalike morph' in a folder called {PRACTICE} beside the others, or set practice_trials = 0"
            )

        def share_out(role: str, names: list[str], count: int) -> list[PlannedTrial]:
            if not count:
                return []
            counts = rng.permutation([len(part) for part in np.array_split(np.arange(count), len(names))])
            return [
                _planned(loops, name, role, target, task.min_start_deg, rng)
                for name, share in zip(names, counts, strict=True)
                for target in draw_targets(len(loops.ids(name)), int(share), rng)
            ]

        return share_out("practice", own, practice_trials), share_out("main", others, trials)

    def truth(self, trial: PlannedTrial) -> str:
        return trial.truth

    def stretch(self, trial: PlannedTrial) -> str:
        return asked(trial).loop

    def probe(self, screen: Screen, stimuli: Stimuli, plan: Plan, trial: PlannedTrial, shown: float) -> float:  # noqa: ARG002
        match = asked(trial)
        return screen.dial(
            stimuli.read(match.start_id), match.start_deg, match.ring_deg, asked=screen.now() + plan.delay_s
        )

    def lead(self, plan: Plan) -> list[str]:
        return [
            f"You will see {len(plan.trials)} mammogram images, one at a time, each only for a moment.",
            "After each one another image appears, with a ring round it. Turn it until it looks like the image that "
            "you have just seen.",
        ]

    def row(self, trial: PlannedTrial) -> dict[str, Any]:
        match = asked(trial)
        return {
            "loop": match.loop,
            "stimulus_id": trial.stimulus_id,
            "stim_file": trial.file,
            "target_deg": match.target_deg,
            "start_deg": match.start_deg,
            "ring_deg": match.ring_deg,
        }

    def answered(self, trial: PlannedTrial, answer: Event) -> dict[str, Any]:
        response = answer.get("response")
        error = None if response is None else round(float(wrap(response - asked(trial).target_deg)), 6)
        return {"response_deg": response, "error_deg": error, **{name: answer.get(name) for name in _ANSWERED}}

    def finish(self, table: pd.DataFrame) -> pd.DataFrame:
        """Adds what the trial before was, where it can have carried over."""
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


def asked(trial: PlannedTrial) -> Match:
    """What a matching trial asks for."""
    if trial.match is None:
        raise ValueError(f"trial {trial.trial} asks for no match")
    return trial.match


def _planned(
    loops: LoopSet, name: str, role: str, target: int, least_deg: float, rng: np.random.Generator
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
