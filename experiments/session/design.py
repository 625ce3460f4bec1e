"""The plan of a session: every trial, drawn from a seed before the first image is shown."""

from __future__ import annotations

import platform
import secrets
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from data.errors import LookalikeError
from data.flow.flow import Flow
from data.kinds.adaptive import refuse_too_few
from data.kinds.registry import find, names
from data.plan import Grade, Image, Plan, PlannedTrial
from data.shipped import VERSION
from data.study import StudyFile
from data.task import Task
from data.trial_order import draw_order
from data.trials import check_label
from stimuli.loop_set import LoopSet
from stimuli.sets import StimulusSet
from stimuli.stimulus_source import Stimuli


@dataclass(frozen=True)
class EarlierParticipants:
    """The participants before a new one, on whom the new plan depends.

    Attributes
    ----------
    count : int
        How many have answered something in this task, or are taking part now.
    swapped : int
        How many of them have the two keys swapped. A new participant gets the mapping that fewer have.
    seen : frozenset of str
        Ids of the main and catch images that any of them was shown; they matter where each participant has images of
        their own.

    Examples
    --------
    >>> import experiments
    >>> experiments.EarlierParticipants(count=5, swapped=2).seen
    frozenset()
    """

    count: int = 0
    swapped: int = 0
    seen: frozenset[str] = field(default_factory=frozenset)


def draw_plan(
    stimuli: Stimuli,
    study: StudyFile,
    participant: str,
    session: int,
    seed: int,
    earlier: EarlierParticipants = EarlierParticipants(),
) -> Plan:
    """Choose the images of a session and their order; the same arguments give the same plan.

    Main trials are half of one truth and half of the other; practice trials come first; catch trials are scattered
    among the main ones and never come first. Where the study sets `max_run`, the order is uniform over all orders in
    which no truth comes more than `max_run` times in a row. In tasks with loops the main trials are shared out among
    the loops, whose order is random too. In an adaptive task the known fakes of each grade are in random order, and the
    session chooses among them.

    Parameters
    ----------
    stimuli : StimulusSet or LoopSet
        The images, as `stimuli.read_set` and its like return them.
    study : StudyFile
        The study file, with its task.
    participant : str
        Code of 1 to 40 letters and digits.
    session : int
        Session number, from 1.
    seed : int
        0 or more; with `session` it determines every random choice.
    earlier : EarlierParticipants, optional
        The participants before this one, for counterbalanced keys and images unique to each participant.

    Returns
    -------
    Plan
        Every trial in order, with all settings of the session.

    Raises
    ------
    LookalikeError
        If the set has too few images (`set-too-small`), no order is admissible, the study names no task, or its task
        shows something other than `stimuli` (`stimuli-mismatch`).

    Examples
    --------
    >>> import experiments
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from data.shipped import EXAMPLE_STUDY
    >>> from data.study import read_study
    >>> from stimuli.sets import Candidate, Layout, build_set
    >>> rng = np.random.default_rng(1)
    >>> real, generated = ([Candidate(rng.random((16, 16), dtype=np.float32), f"{source}:{n}") for n in range(50)]
    ...                    for source in ("patch", "seed"))
    >>> stimuli = build_set(Path("stimuli"), real, generated, Layout(main=100), {})
    >>> plan = experiments.draw_plan(stimuli, read_study(EXAMPLE_STUDY), "k7q2m", session=1, seed=1)
    >>> len(plan.trials), sum(trial.truth == "generated" for trial in plan.trials), plan.keys
    (100, 50, {'real': 'left', 'generated': 'right'})
    """
    file = study.need_task()
    task, wanted = file.task, study.study.plan
    rng = _generator(seed, session)
    practice, main, grades = _drawn(stimuli, study, earlier, rng)
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
        keys=swapped(task.key_mapping) if _should_swap(task, earlier) else task.key_mapping,
        versions=_versions(),
        kind=task.kind,
        task_sha256=file.sha256,
        participants_before=earlier.count,
        turned_before=earlier.swapped,
        retest_after_days=wanted.retest_after_days,
        images=task.images,
        exposure_s=task.exposure_s,
        mask_s=task.mask_s,
        delay_s=task.delay_s,
        min_start_deg=task.min_start_deg if find(task.kind).response == "dial" else None,
        separation_deg=task.separation_deg,
        rating_levels=task.rating_levels,
        flow=task.flow,
        box=task.box,
        markers=task.markers,
        text=task.text,
        phrases=dict(file.phrases),
        grades=grades,
        trials=_with_fixations(
            _in_order(task.kind, practice, main, wanted.max_run, task.blocks, rng), task.flow, seed, session
        ),
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
            "trials": _with_fixations(
                _in_order(first.kind, list(first.practice), main, first.max_run, blocks, rng), first.flow, seed, session
            ),
        }
    )


def _drawn(
    stimuli: Stimuli, study: StudyFile, earlier: EarlierParticipants, rng: np.random.Generator
) -> tuple[list[PlannedTrial], list[PlannedTrial], tuple[Grade, ...] | None]:
    """The practice trials and all other trials, not yet in order, and the known fakes of an adaptive task."""
    task, wanted = study.need_task().task, study.study.plan
    kind = find(task.kind)
    if kind.shows == "loops":
        if not isinstance(stimuli, LoopSet):
            raise LookalikeError(
                "stimuli-mismatch",
                f"{stimuli.folder}: a stimulus set, but the task of {study.path} ({task.kind}) shows morph loops; "
                "give a folder of 'lookalike morph', or another study file",
            )
        practice, main = kind.draw(stimuli, wanted, task, rng)
        return practice, main, None
    if not isinstance(stimuli, StimulusSet):
        raise LookalikeError(
            "stimuli-mismatch",
            f"{stimuli.folder}: morph loops, but the task of {study.path} ({task.kind}) shows a stimulus set; "
            f"give one, or a study file with {' or '.join(_tasks_with_loops())}",
        )
    pool = _Pool(stimuli, study, earlier.seen, rng)
    practice, main = kind.draw(pool, wanted, task, rng)
    if not kind.adaptive:
        return practice, main, None
    grades = pool.grades()
    refuse_too_few(len(grades), sum(len(one.images) for one in grades), wanted.trials, str(stimuli.folder))
    return practice, main, grades


def _tasks_with_loops() -> list[str]:
    return [f'task = "{name}"' for name in names() if find(name).shows == "loops"]


def draw_seed() -> int:
    """A random seed, 0 to 2^31 - 1; the plan records it."""
    return secrets.randbelow(2**31)


class _Pool:
    """The images of a set, each handed out once.

    Shared images are the same for everyone, so their order follows from the set alone. A participant's own images
    follow from the session's seed, and no other participant was shown them.
    """

    def __init__(self, stimuli: StimulusSet, study: StudyFile, seen: frozenset[str], rng: np.random.Generator) -> None:
        self._stimuli, self._study = stimuli, study
        self._own = study.need_task().task.images == "own"
        self._seen = seen if self._own else frozenset()
        self._rng_of_session = rng
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
            held = f"has {has} that no one was shown yet" if self._seen else f"has {has}"
            raise LookalikeError(
                "set-too-small",
                f"{self._stimuli.folder}: needs {needs} {truth} {role} images, the set {held}: "
                f"build a larger set or lower {setting} in {self._study.path}",
            )
        self._left[role, truth] = left[count:]
        return [_image(row) for row in left[:count]]

    def grades(self) -> tuple[Grade, ...]:
        rows = [row for row in self._stimuli.by_id.values() if row["role"] == "main" and row["truth"] == "generated"]
        by_level: dict[float, list[Image]] = {}
        for index in self._rng_of_session.permutation(len(rows)):
            if pd.notna(level := rows[index].get("level")):
                by_level.setdefault(float(level), []).append(_image(rows[index]))
        return tuple(Grade(level=level, images=tuple(by_level[level])) for level in sorted(by_level))

    def _shuffled(self, role: str, truth: str) -> list[dict[str, Any]]:
        rows = [row for row in self._stimuli.by_id.values() if row["role"] == role and row["truth"] == truth]
        if role != "practice":  # practice is not measured, so participants may share it
            rows = [row for row in rows if row["stimulus_id"] not in self._seen]
        return [rows[index] for index in self._rng.permutation(len(rows))]


def _image(row: dict[str, Any]) -> Image:
    return Image(**{name: row[name] for name in Image.model_fields})


def swapped(keys: dict[str, str]) -> dict[str, str]:
    """The same two answers with their keys swapped."""
    return dict(zip(keys, reversed(keys.values()), strict=True))


def _should_swap(task: Task, earlier: EarlierParticipants) -> bool:
    return task.counterbalance_keys and earlier.swapped < earlier.count - earlier.swapped


def _generator(seed: int, session: int) -> np.random.Generator:
    # The session is part of the seed: a retest with session 1's seed still gets a different order.
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
        for part in np.array_split(np.arange(len(trials)), min(blocks, len(trials))):
            block += 1
            numbered += [(trials[place], block) for place in part]
    return tuple(
        trial.model_copy(update={"trial": number, "block": block})
        for number, (trial, block) in enumerate(numbered, start=1)
    )


def _with_fixations(trials: tuple[PlannedTrial, ...], flow: Flow, seed: int, session: int) -> tuple[PlannedTrial, ...]:
    """The trials, each with how long the fixation mark stands before it.

    They have random numbers of their own, so that images and their order are those that they would be without.
    """
    drawn = flow.draw_fixations(len(trials), np.random.default_rng([seed, session, 1]))
    return tuple(trial.model_copy(update={"fixation_s": one}) for trial, one in zip(trials, drawn, strict=True))


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
    catch = [trial.role == "catch" for trial in trials]
    return [trials[index] for index in draw_order(signal, max_run, rng, catch)]


def _versions() -> dict[str, str]:
    return {"lookalike": VERSION, "python": platform.python_version(), "numpy": np.__version__}
