"""The plan of a session: every trial, drawn from a seed before the first image is shown."""

from __future__ import annotations

import platform
import secrets
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from data.errors import LookalikeError
from data.study import StudyFile
from data.trials import check_label
from data.version import VERSION
from experiments.kinds import KINDS
from experiments.order import draw_order
from experiments.plan import Image, Plan, PlannedTrial
from stimuli.sets import StimulusSet


@dataclass(frozen=True)
class Before:
    """What other participants leave to a new one.

    `participants` is how many have begun, by which keys are counterbalanced; `seen` are the main and catch images
    that anyone was shown, which matter where each participant has images of his own.
    """

    participants: int = 0
    seen: frozenset[str] = field(default_factory=frozenset)


def draw_plan(
    stimuli: StimulusSet, study: StudyFile, participant: str, session: int, seed: int, before: Before = Before()
) -> Plan:
    """Choose the images of a session and their order; the same arguments give the same plan.

    Main trials are half of one truth and half of the other; practice trials come first; catch trials are
    scattered among the main ones and never come first. Where the study sets `max_run`, the order is uniform over
    all orders in which no truth comes more than `max_run` times in a row. Raises `LookalikeError` if the set has
    too few images, no order is admissible, or the study names no task.
    """
    file = study.need_task()
    task, wanted = file.task, study.study.plan
    rng = _generator(seed, session)
    pool = _Pool(stimuli, study, before.seen, rng)
    practice, main = KINDS[task.kind].draw(pool, wanted, rng)
    return Plan(
        participant=check_label(participant),
        session=session,
        task=study.study.task,
        seed=seed,
        study_name=study.study.name,
        study_sha256=study.sha256,
        stimulus_set_sha256=stimuli.sha256,
        confidence_levels=wanted.confidence_levels,
        told_prevalence=wanted.told_prevalence,
        max_run=wanted.max_run,
        keys=_mapping(task.key_mapping, task.counterbalance_keys and before.participants % 2 == 1),
        versions=_versions(),
        kind=task.kind,
        task_sha256=file.sha256,
        participants_before=before.participants,
        images=task.images,
        exposure_s=task.exposure_s,
        mask_s=task.mask_s,
        text=task.text,
        trials=_in_order(task.kind, practice, main, wanted.max_run, task.blocks, rng),
    )


def retest_plan(first: Plan, session: int, seed: int, only: frozenset[int] | None = None) -> Plan:
    """The images, keys and settings of `first` in a new order, for a later `session` (2, 3, ...).

    Pairs stay together and each image on its side. With `only`, just these of the trials that are no practice.
    Raises `LookalikeError` if these can be put in no order that keeps to `max_run`.
    """
    rng = _generator(seed, session)
    main = [t for t in first.trials if t.role != "practice" and (only is None or t.trial in only)]
    blocks = min(len({trial.block for trial in main}), len(main))
    return first.model_copy(
        update={
            "session": session,
            "seed": seed,
            "versions": _versions(),
            "display": {},
            "trials": _in_order(first.kind, list(first.practice), main, first.max_run, blocks, rng),
        }
    )


def draw_seed() -> int:
    """A seed nobody chose, 0 to 2^31 - 1; the plan records it."""
    return secrets.randbelow(2**31)


class _Pool:
    """The images of a set, dealt out without repeating one.

    Shared images are the same for everyone, so their order follows from the set alone; a participant's own ones
    follow from the session's seed, and nobody else was shown them.
    """

    def __init__(self, stimuli: StimulusSet, study: StudyFile, seen: frozenset[str], rng: np.random.Generator) -> None:
        self._stimuli, self._study = stimuli, study
        self._own = study.need_task().task.images == "own"
        self._seen = seen if self._own else frozenset()
        self._rng = rng if self._own else np.random.default_rng(int(stimuli.sha256[:16], 16))
        self._left = {
            (role, truth): self._shuffled(role, truth)
            for role in ("main", "practice", "catch")
            for truth in ("real", "generated")
        }
        self._had = {name: len(images) for name, images in self._left.items()}

    def take(self, role: str, truth: str, count: int) -> list[Image]:
        left = self._left[role, truth]
        if len(left) < count:
            needs, has = self._had[role, truth] - len(left) + count, self._had[role, truth]
            setting = {"main": "trials", "practice": "practice_trials", "catch": "catch_trials"}[role]
            held = f"has {has} that nobody was shown yet" if self._seen else f"has {has}"
            raise LookalikeError(
                f"{self._stimuli.folder}: needs {needs} {truth} {role} images, the set {held}: "
                f"build a larger set or lower {setting} in {self._study.path}"
            )
        self._left[role, truth] = left[count:]
        return [Image(**row) for row in left[:count]]

    def _shuffled(self, role: str, truth: str) -> list[dict[str, Any]]:
        table = self._stimuli.table
        rows = table.loc[(table["role"] == role) & (table["truth"] == truth), list(Image.model_fields)].to_dict(
            "records"
        )
        if role != "practice":  # practice is no measure, so anyone may have the same
            rows = [row for row in rows if row["stimulus_id"] not in self._seen]
        return [rows[index] for index in self._rng.permutation(len(rows))]


def _mapping(keys: dict[str, str], swapped: bool) -> dict[str, str]:
    return dict(zip(keys, reversed(keys.values()), strict=True)) if swapped else keys


def _generator(seed: int, session: int) -> np.random.Generator:
    # The session is part of the seed: a retest run with session 1's seed still gets an order of its own.
    return np.random.default_rng([seed, session])


def _in_order(
    kind: str,
    practice: list[PlannedTrial],
    main: list[PlannedTrial],
    max_run: int | None,
    blocks: int,
    rng: np.random.Generator,
) -> tuple[PlannedTrial, ...]:
    first = _shuffled(kind, practice, None, rng)
    parts = np.array_split(np.arange(len(main)), blocks)
    block = {int(place): number for number, part in enumerate(parts, start=1) for place in part}
    rest = _shuffled(kind, main, max_run, rng)
    while rest[0].role == "catch":  # drawn anew, so all orders that begin otherwise are as likely as before
        rest = _shuffled(kind, main, max_run, rng)
    numbered = [
        *((trial, 1) for trial in first),
        *((trial, block[place]) for place, trial in enumerate(rest)),
    ]
    return tuple(
        trial.model_copy(update={"trial": number, "block": block})
        for number, (trial, block) in enumerate(numbered, start=1)
    )


def _shuffled(
    kind: str, trials: list[PlannedTrial], max_run: int | None, rng: np.random.Generator
) -> list[PlannedTrial]:
    signal = [KINDS[kind].truth(trial) in ("generated", "left", "different") for trial in trials]
    return [trials[index] for index in draw_order(signal, max_run, rng)]


def _versions() -> dict[str, str]:
    return {"lookalike": VERSION, "python": platform.python_version(), "numpy": np.__version__}
