"""The plan of a session: every trial, drawn from a seed and on disk before the first image is shown."""

from __future__ import annotations

import hashlib
import platform
import random
import secrets
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from data.errors import LookalikeError
from data.files import write_text
from data.study import StudyFile
from data.trials import check_label
from data.version import VERSION
from stimuli.sets import StimulusSet


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PlannedTrial(_Part):
    """One image to be judged. `sha256` is the image file's."""

    trial: int = Field(ge=1)
    stimulus_id: str
    file: str
    truth: Literal["real", "generated"]
    role: Literal["main", "practice", "catch"]
    sha256: str


class Keys(_Part):
    """Which key says what, in PsychoPy's key names. Confidence is always 1..k, main row or numpad."""

    real: str = "left"
    generated: str = "right"


class Plan(_Part):
    """All that is fixed before a session's first trial. See `data.study` for the settings' ranges."""

    format: Literal["lookalike-plan/1"] = "lookalike-plan/1"
    participant: str = Field(pattern="^[A-Za-z0-9]+$")
    session: int = Field(ge=1)
    task: str = Field(pattern="^[A-Za-z0-9]+$")
    seed: int = Field(ge=0)
    study_name: str
    study_sha256: str
    stimulus_set_sha256: str
    confidence_levels: int = Field(ge=2, le=9)
    told_prevalence: float = Field(gt=0, lt=1)
    max_run: int | None = Field(ge=2)
    keys: Keys = Keys()
    versions: dict[str, str]
    trials: tuple[PlannedTrial, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Plan:
        if [trial.trial for trial in self.trials] != list(range(1, len(self.trials) + 1)):
            raise ValueError("trials are not numbered 1, 2, 3, ...")
        if len({trial.stimulus_id for trial in self.trials}) < len(self.trials):
            raise ValueError("a stimulus stands in it twice")
        return self

    @property
    def sha256(self) -> str:
        """SHA-256 of the plan's file as `write_plan` writes it."""
        return hashlib.sha256(_serialise(self).encode("utf-8")).hexdigest()


def draw_plan(stimuli: StimulusSet, study: StudyFile, participant: str, session: int, seed: int) -> Plan:
    """Choose the images of a session and their order; the same arguments give the same plan.

    Main images are half real and half generated; practice images come first; catch images are
    scattered among the main ones. Where the study sets `max_run`, the order is uniform over all
    orders in which no truth comes more than `max_run` times in a row. Raises `LookalikeError` if
    the set has too few images or no order is admissible.
    """
    wanted = study.study.plan
    rng = _generator(seed, session)
    half, half_practice = wanted.trials // 2, wanted.practice_trials // 2
    main = [
        *_choose(stimuli, study, "main", "real", half, rng),
        *_choose(stimuli, study, "main", "generated", half, rng),
        *_choose(stimuli, study, "catch", "generated", wanted.catch_trials, rng),
    ]
    practice = [
        *_choose(stimuli, study, "practice", "real", half_practice, rng),
        *_choose(stimuli, study, "practice", "generated", wanted.practice_trials - half_practice, rng),
    ]
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
        versions=_versions(),
        trials=_in_order(practice, main, wanted.max_run, rng),
    )


def retest_plan(first: Plan, session: int, seed: int) -> Plan:
    """The images and settings of `first` in a new order, for a later `session` (2, 3, ...)."""
    rng = _generator(seed, session)
    practice = [trial for trial in first.trials if trial.role == "practice"]
    main = [trial for trial in first.trials if trial.role != "practice"]
    return first.model_copy(
        update={
            "session": session,
            "seed": seed,
            "versions": _versions(),
            "trials": _in_order(practice, main, first.max_run, rng),
        }
    )


def draw_order(generated: Sequence[bool], max_run: int | None, rng: np.random.Generator) -> list[int]:
    """An order of images of which it is known which are generated, as places in `generated`.

    Every plan's orders come from here, and an analysis that asks what an order alone would do draws them anew.
    Uniform over all orders in which no truth comes more than `max_run` times in a row. Raises
    `LookalikeError` if there are none.
    """
    shuffled = [int(index) for index in rng.permutation(len(generated))]
    if max_run is None:
        return shuffled
    by_truth = {
        truth: [index for index in shuffled if generated[index] == (truth == "generated")]
        for truth in ("real", "generated")
    }
    truths = _draw_truths(len(by_truth["real"]), len(by_truth["generated"]), max_run, int(rng.integers(2**63)))
    return [by_truth[truth].pop() for truth in truths]


def draw_seed() -> int:
    """A seed nobody chose, 0 to 2^31 - 1; the plan records it."""
    return secrets.randbelow(2**31)


def write_plan(path: Path, plan: Plan) -> None:
    """Write the plan as JSON, atomically."""
    write_text(path, _serialise(plan))


def read_plan(path: Path) -> Plan:
    """Read a plan and validate it. Raises `LookalikeError` naming the first field at fault."""
    path = Path(path)
    try:
        return Plan.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise LookalikeError(f"{path}: no such plan; has this session been run?") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise LookalikeError(f"{path}: {where}: {first['msg']}; restore the file from a backup") from None


def longest_run(truths: list[str]) -> int:
    """Length of the longest run of one truth; 0 if there are no trials."""
    longest = run = 0
    for index, truth in enumerate(truths):
        run = run + 1 if index and truth == truths[index - 1] else 1
        longest = max(longest, run)
    return longest


def _serialise(plan: Plan) -> str:
    return plan.model_dump_json(indent=2) + "\n"


def _generator(seed: int, session: int) -> np.random.Generator:
    # The session is part of the seed: a retest run with session 1's seed still gets an order of its own.
    return np.random.default_rng([seed, session])


def _choose(
    stimuli: StimulusSet, study: StudyFile, role: str, truth: str, count: int, rng: np.random.Generator
) -> list[PlannedTrial]:
    rows = stimuli.table[(stimuli.table["role"] == role) & (stimuli.table["truth"] == truth)]
    if len(rows) < count:
        setting = {"main": "trials", "practice": "practice_trials", "catch": "catch_trials"}[role]
        raise LookalikeError(
            f"{stimuli.folder}: needs {count} {truth} {role} images, the set has {len(rows)}: "
            f"build a larger set or lower {setting} in {study.path}"
        )
    chosen = rows.iloc[rng.choice(len(rows), size=count, replace=False)]
    columns = ["stimulus_id", "file", "truth", "role", "sha256"]
    return [PlannedTrial(trial=1, **row) for row in chosen[columns].to_dict("records")]


def _in_order(
    practice: list[PlannedTrial], main: list[PlannedTrial], max_run: int | None, rng: np.random.Generator
) -> tuple[PlannedTrial, ...]:
    ordered = [*_shuffled(practice, None, rng), *_shuffled(main, max_run, rng)]
    return tuple(trial.model_copy(update={"trial": number}) for number, trial in enumerate(ordered, start=1))


def _shuffled(trials: list[PlannedTrial], max_run: int | None, rng: np.random.Generator) -> list[PlannedTrial]:
    return [trials[index] for index in draw_order([trial.truth == "generated" for trial in trials], max_run, rng)]


def _draw_truths(real: int, generated: int, max_run: int, seed: int) -> list[str]:
    """Draw one sequence of truths, uniformly over those whose runs are at most `max_run` long.

    Drawing orders until one fits would be uniform too, but for 100 trials and a max_run of 2 only
    one order in 10^8 fits. So the ways to go on are counted, and runs drawn in proportion.
    """
    ways = _count_ways(real, generated, max_run)
    # Python's own generator draws exactly from the counts, which outgrow 64 bits.
    rng = random.Random(seed)
    left = {"real": real, "generated": generated}
    starts = [ways["real", real, generated], ways["generated", real, generated]]
    if sum(starts) == 0:
        raise LookalikeError(
            f"no order of {real} real and {generated} generated images keeps runs of one truth to {max_run}; "
            "raise max_run or lower catch_trials in the study file"
        )
    truth = "real" if rng.randrange(sum(starts)) < starts[0] else "generated"
    truths: list[str] = []
    while sum(left.values()):
        lengths = range(1, min(max_run, left[truth]) + 1)
        goes_on = [ways[_next_state(truth, left["real"], left["generated"], length)] for length in lengths]
        pick, length = rng.randrange(sum(goes_on)), 1
        while pick >= goes_on[length - 1]:
            pick, length = pick - goes_on[length - 1], length + 1
        truths += [truth] * length
        left[truth] -= length
        truth = _other(truth)
    return truths


@lru_cache(maxsize=4)
def _count_ways(real: int, generated: int, max_run: int) -> dict[tuple[str, int, int], int]:
    """For every state (truth of the next run, real left, generated left): in how many ways it can end."""
    ways: dict[tuple[str, int, int], int] = {}
    for r in range(real + 1):
        for g in range(generated + 1):
            for truth, own in (("real", r), ("generated", g)):
                ways[truth, r, g] = (
                    1
                    if r == g == 0
                    else sum(ways[_next_state(truth, r, g, length)] for length in range(1, min(max_run, own) + 1))
                )
    return ways


def _next_state(truth: str, real: int, generated: int, length: int) -> tuple[str, int, int]:
    if truth == "real":
        return "generated", real - length, generated
    return "real", real, generated - length


def _other(truth: str) -> str:
    return "generated" if truth == "real" else "real"


def _versions() -> dict[str, str]:
    return {"lookalike": VERSION, "python": platform.python_version(), "numpy": np.__version__}
