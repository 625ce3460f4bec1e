"""The plan of a session: every trial, drawn from a seed before the first image is shown."""

from __future__ import annotations

import platform
import secrets
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from data.errors import LookalikeError
from data.kinds.registry import find, names
from data.plan import Image, Plan, PlannedTrial
from data.study import StudyFile
from data.task import Task
from data.trial_order import draw_order
from data.trials import check_label
from data.version import VERSION
from stimuli.loop_set import LoopSet
from stimuli.sets import StimulusSet
from stimuli.stimulus_source import Stimuli


@dataclass(frozen=True)
class Before:
    """What other participants leave to a new one.

    `participants` is how many have begun this task, and `turned` how many of them with the keys the other way round:
    a new one gets what fewer have. `seen` are the main and catch images that anyone was shown, which matter where each
    participant has images of his own.
    """

    participants: int = 0
    turned: int = 0
    seen: frozenset[str] = field(default_factory=frozenset)


def draw_plan(
    stimuli: Stimuli, study: StudyFile, participant: str, session: int, seed: int, before: Before = Before()
) -> Plan:
    """Choose the images of a session and their order; the same arguments give the same plan.

    Main trials are half of one truth and half of the other; practice trials come first; catch trials are
    scattered among the main ones and never come first. Where the study sets `max_run`, the order is uniform over
    all orders in which no truth comes more than `max_run` times in a row. Raises `LookalikeError` if the set has
    too few images, no order is admissible, the study names no task, or its task shows something else than `stimuli`.

    Of a matching task the main trials are shared out among the loops, whose order is drawn too (see
    `data.kinds.matching`).
    """
    file = study.need_task()
    task, wanted = file.task, study.study.plan
    rng = _generator(seed, session)
    practice, main = _drawn(stimuli, study, before, rng)
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
        keys=turned(task.key_mapping) if _should_turn(task, before) else task.key_mapping,
        versions=_versions(),
        kind=task.kind,
        task_sha256=file.sha256,
        participants_before=before.participants,
        turned_before=before.turned,
        retest_after_days=wanted.retest_after_days,
        images=task.images,
        exposure_s=task.exposure_s,
        mask_s=task.mask_s,
        delay_s=task.delay_s,
        min_start_deg=task.min_start_deg if find(task.kind).response == "dial" else None,
        text=task.text,
        trials=_in_order(task.kind, practice, main, wanted.max_run, task.blocks, rng),
    )


def retest_plan(first: Plan, session: int, seed: int, only: frozenset[int] | None = None) -> Plan:
    """The images, keys and settings of `first` in a new order, for a later `session` (2, 3, ...).

    Pairs stay together and each image on its side; a match starts where it did. With `only`, just
    these of the trials that are no practice.
    Raises `LookalikeError` if these can be put in no order that keeps to `max_run`.
    """
    rng = _generator(seed, session)
    main = [t for t in first.trials if t.role != "practice" and (only is None or t.trial in only)]
    loop_blocks = len({find(first.kind).loop_block(trial) for trial in main})
    blocks = min(-(-len({trial.block for trial in main}) // max(loop_blocks, 1)), len(main))
    return first.model_copy(
        update={
            "session": session,
            "seed": seed,
            "versions": _versions(),
            "display": {},
            "trials": _in_order(first.kind, list(first.practice), main, first.max_run, blocks, rng),
        }
    )


def _drawn(
    stimuli: Stimuli, study: StudyFile, before: Before, rng: np.random.Generator
) -> tuple[list[PlannedTrial], ...]:
    """Practice and all other trials, in no order yet."""
    task, wanted = study.need_task().task, study.study.plan
    kind = find(task.kind)
    if kind.shows == "loops":
        if not isinstance(stimuli, LoopSet):
            raise LookalikeError(
                "wrong-stimuli",
                f"{stimuli.folder}: a stimulus set, but the task of {study.path} is to match images on morph loops; "
                "give a folder of 'lookalike morph', or another study file",
            )
        return kind.draw(stimuli, wanted, task, rng)
    if not isinstance(stimuli, StimulusSet):
        raise LookalikeError(
            "wrong-stimuli",
            f"{stimuli.folder}: morph loops, but the task of {study.path} ({task.kind}) shows a stimulus set; "
            f"give one, or a study file with {' or '.join(_tasks_with_loops())}",
        )
    return kind.draw(_Pool(stimuli, study, before.seen, rng), wanted, task, rng)


def _tasks_with_loops() -> list[str]:
    return [f'task = "{name}"' for name in names() if find(name).shows == "loops"]


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
        return [Image(**{name: row[name] for name in Image.model_fields}) for row in left[:count]]

    def _shuffled(self, role: str, truth: str) -> list[dict[str, Any]]:
        rows = [row for row in self._stimuli.by_id.values() if row["role"] == role and row["truth"] == truth]
        if role != "practice":  # practice is no measure, so anyone may have the same
            rows = [row for row in rows if row["stimulus_id"] not in self._seen]
        return [rows[index] for index in self._rng.permutation(len(rows))]


def turned(keys: dict[str, str]) -> dict[str, str]:
    """The same two answers with their keys the other way round."""
    return dict(zip(keys, reversed(keys.values()), strict=True))


def _should_turn(task: Task, before: Before) -> bool:
    return task.counterbalance_keys and before.turned < before.participants - before.turned


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
    """All trials, numbered: practice, then each loop block as `blocks` blocks of about equal length."""
    numbered = [(trial, 1) for trial in _shuffled(kind, practice, None, rng)]
    block = 0
    for loop_block in _loop_blocks(kind, main, rng):
        trials = _shuffled(kind, loop_block, max_run, rng)
        while trials[0].role == "catch":  # re-drawn, so all orders that begin otherwise are as likely as before
            trials = _shuffled(kind, loop_block, max_run, rng)
        for part in np.array_split(np.arange(len(trials)), min(blocks, len(trials))):
            block += 1
            numbered += [(trials[place], block) for place in part]
    return tuple(
        trial.model_copy(update={"trial": number, "block": block})
        for number, (trial, block) in enumerate(numbered, start=1)
    )


def _loop_blocks(kind: str, main: list[PlannedTrial], rng: np.random.Generator) -> list[list[PlannedTrial]]:
    """The trials that stand together, in a random order of loop blocks; most kinds have only one."""
    found: dict[str, list[PlannedTrial]] = {}
    for trial in main:
        found.setdefault(find(kind).loop_block(trial), []).append(trial)
    together = list(found.values())
    return [together[index] for index in rng.permutation(len(together))] if len(together) > 1 else together


def _shuffled(
    kind: str, trials: list[PlannedTrial], max_run: int | None, rng: np.random.Generator
) -> list[PlannedTrial]:
    signal = [find(kind).is_signal(trial) for trial in trials]
    return [trials[index] for index in draw_order(signal, max_run, rng)]


def _versions() -> dict[str, str]:
    return {"lookalike": VERSION, "python": platform.python_version(), "numpy": np.__version__}
