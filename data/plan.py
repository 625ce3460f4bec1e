"""What a session's plan holds, and its file: all that is fixed before the first image is shown.

The settings that task file, study file and plan share (`Layout`, `Presentation`, `Text`) stand here once.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, ValidationError, model_serializer
from pydantic import model_validator as validator

from data.errors import LookalikeError
from data.files import write_text
from data.flow.devices import Box, MarkerSettings
from data.flow.flow import Flow
from data.settings import Section
from data.shipped import DEFAULT_TASK


class Layout(Section):
    """How many trials of what: what a task file gives and a study file may set otherwise."""

    trials: int = Field(100, ge=2, description="main trials in a session; half of each truth")
    confidence_levels: int = Field(4, ge=0, le=9, description="confidence is 1 (least sure) to this; 0 asks for none")
    practice_trials: int = Field(0, ge=0, description="practice trials before the first main one")
    catch_trials: int = Field(0, ge=0, description="known fakes hidden among the main trials")
    max_run: int | None = Field(None, ge=2, description="longest run of one truth; None is no limit")
    told_prevalence: float = Field(0.5, gt=0, lt=1, description="share of generated images told to participants")


class Presentation(Layout):
    """How images are shown: what a task file alone sets."""

    blocks: int = Field(1, ge=1, description="parts of about equal length with a break between them")
    images: Literal["shared", "own"] = "shared"
    exposure_s: float | None = Field(None, gt=0, le=60, description="how long an image stays; None is until answered")
    mask_s: float = Field(0, ge=0, le=10, description="noise of the image's own greys after a fixed exposure")
    separation_deg: float | None = Field(
        None, gt=0, le=90, description="with pairs: between their middles; None is each in the middle of its half"
    )
    delay_s: float = Field(0, ge=0, le=60, description="with a dial: a blank before the image that is turned")
    min_start_deg: float = Field(
        30, ge=0, le=150, description="with a dial: least distance from the target at which the image turned may start"
    )
    rating_levels: Literal[0, 4, 6, 8] = Field(
        0, description="one rating, 1 (certainly real) to this (certainly generated), instead of answer and confidence"
    )
    flow: Flow = Flow()
    box: Box | None = None
    markers: MarkerSettings | None = None
    compared_images: int = Field(
        12, ge=5, le=60, description="with triads: images of each loop that are compared, evenly spaced"
    )


class Text(Section):
    """Texts of the task's own. `consent` is shown first, if there is any; each of the others replaces a shipped text.

    What must be true of the session (keys, scale, prevalence, how to stop) is always added to `instructions`.
    """

    consent: str = ""
    instructions: str = ""
    practice: str = ""
    pause: str = ""
    thanks: str = ""


# Settings that came after the first plans were written. As long as one has its default it is left out of the file,
# so that a plan from before still hashes as its file does.
_LATER: dict[str, Any] = {
    "kind": DEFAULT_TASK,
    "task_sha256": "",
    "participants_before": None,
    "turned_before": 0,
    "images": "shared",
    "exposure_s": None,
    "mask_s": 0.0,
    "text": Text().model_dump(),
    "display": {},
    "block": 1,
    "right": None,
    "match": None,
    "triad": None,
    "fake_on": None,
    "fake": None,
    "level": None,
    "grades": None,
    "delay_s": 0.0,
    "min_start_deg": None,
    "separation_deg": None,
    "phrases": {},
    "retest_after_days": None,
    "rating_levels": 0,
    "flow": {},
    "box": None,
    "markers": None,
    "fixation_s": None,
}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @model_serializer(mode="wrap")
    def _as_written(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        content: dict[str, Any] = whole(self)
        return {name: value for name, value in content.items() if name not in _LATER or value != _LATER[name]}


class Image(_Part):
    """One image of a stimulus set. `sha256` is the image file's."""

    stimulus_id: str
    file: str
    truth: Literal["real", "generated"]
    sha256: str


class Match(_Part):
    """What is matched in a trial: the image at `target_deg` of `loop`, with a dial that starts at `start_deg`.

    `start_id` is the frame there. The ring around the image that is turned has position 0 at `ring_deg` clockwise from
    its top.
    """

    loop: str
    target_deg: float = Field(ge=0, lt=360)
    start_deg: float = Field(ge=0, lt=360)
    start_id: str
    ring_deg: float = Field(ge=0, lt=360)


class Triad(_Part):
    """Three images of `loop`, side by side: `middle` at `middle_deg` between the two that are compared with it."""

    loop: str
    left_deg: float = Field(ge=0, lt=360)
    middle_deg: float = Field(ge=0, lt=360)
    right_deg: float = Field(ge=0, lt=360)
    middle: Image


class Grade(_Part):
    """Known fakes of one level of visibility, in the order in which a session shows them."""

    level: float = Field(gt=0)
    images: tuple[Image, ...] = Field(min_length=1)


class PlannedTrial(_Part):
    """One image to be judged, the left one of a pair whose other is `right`, or one to be matched.

    Of a `triad` it is the image on the left, and `right` the one on the right. Where a known fake stands beside it, on
    the side `fake_on`, `fake` is None as long as the session has not chosen one; its visibility is `level`, None in
    practice. Blocks count from 1. `fixation_s` is how long the fixation mark stands before it, if there is one.
    """

    trial: int = Field(ge=1)
    stimulus_id: str
    file: str
    truth: Literal["real", "generated"]
    role: Literal["main", "practice", "catch"]
    sha256: str
    block: int = Field(1, ge=1)
    right: Image | None = None
    match: Match | None = None
    fixation_s: float | None = Field(None, gt=0)
    triad: Triad | None = None
    fake_on: Literal["left", "right"] | None = None
    fake: Image | None = None
    level: float | None = Field(None, gt=0)

    @property
    def images(self) -> tuple[str, ...]:
        """The ids of its images, from left to right; without a known fake that is not chosen yet."""
        before = (self.fake if self.fake_on == "left" else None,)
        middle = None if self.triad is None else self.triad.middle
        after = (middle, self.right, self.fake if self.fake_on == "right" else None)
        left, right = ([one.stimulus_id for one in side if one is not None] for side in (before, after))
        return (*left, self.stimulus_id, *right)

    def need_match(self) -> Match:
        """What is matched in this trial. Raises `ValueError` if nothing is."""
        if self.match is None:
            raise ValueError(f"trial {self.trial} has no match to make")
        return self.match

    def need_triad(self) -> Triad:
        """What is compared in this trial. Raises `ValueError` if it is no triad."""
        if self.triad is None:
            raise ValueError(f"trial {self.trial} is not a triad")
        return self.triad


class Plan(_Part):
    """All that is fixed before a session's first trial. See `Layout` and `Presentation` for the settings' ranges.

    `keys` maps answers to PsychoPy's key names; confidence is always 1..k, main row or numpad. With `rating_levels` the
    keys are the numbers at the two ends of the scale, and `confidence_levels` is half of it.
    `participants_before` is how many participants had taken part in this task, `turned_before` how many of them with
    the keys the other way round; counterbalancing follows from both. `retest_after_days` is when the study file plans a
    retest of session 1. `grades` are the known fakes from which an adaptive session chooses. `phrases` are those of a
    language file (`data.texts.phrases`). `display` is what the screen said of itself.
    """

    format: Literal["lookalike-plan/1"] = "lookalike-plan/1"
    participant: str = Field(pattern="^[A-Za-z0-9]+$")
    session: int = Field(ge=1)
    task: str = Field(pattern="^[A-Za-z0-9]+$")
    seed: int = Field(ge=0)
    study_name: str
    study_sha256: str
    stimulus_set_sha256: str
    confidence_levels: int = Field(ge=0, le=9)
    told_prevalence: float = Field(gt=0, lt=1)
    max_run: int | None = Field(ge=2)
    keys: dict[str, str]
    versions: dict[str, str]
    kind: str = DEFAULT_TASK
    task_sha256: str = ""
    participants_before: int | None = Field(None, ge=0)
    turned_before: int = Field(0, ge=0)
    retest_after_days: float | None = Field(None, ge=0)
    images: Literal["shared", "own"] = "shared"
    exposure_s: float | None = Field(None, gt=0)
    mask_s: float = Field(0.0, ge=0)
    delay_s: float = Field(0.0, ge=0)
    min_start_deg: float | None = Field(None, ge=0)
    separation_deg: float | None = Field(None, gt=0)
    rating_levels: int = Field(0, ge=0, le=8)
    flow: Flow = Flow()
    box: Box | None = None
    markers: MarkerSettings | None = None
    text: Text = Text()
    phrases: dict[str, str] = {}
    display: dict[str, Any] = {}
    grades: tuple[Grade, ...] | None = None
    trials: tuple[PlannedTrial, ...] = Field(min_length=1)

    @validator(mode="after")
    def _consistent(self) -> Plan:
        if [trial.trial for trial in self.trials] != list(range(1, len(self.trials) + 1)):
            raise ValueError("trials are not numbered 1, 2, 3, ...")
        single = (trial for trial in self.trials if trial.match is None and trial.triad is None)
        shown = [image for trial in single for image in trial.images]
        shown += [image.stimulus_id for grade in self.grades or () for image in grade.images]
        if len(set(shown)) < len(shown):
            raise ValueError("it shows a stimulus twice")
        return self

    @property
    def practice(self) -> tuple[PlannedTrial, ...]:
        return tuple(trial for trial in self.trials if trial.role == "practice")

    @property
    def sha256(self) -> str:
        """SHA-256 of the plan's file as `write_plan` writes it."""
        return hashlib.sha256(_serialise(self).encode("utf-8")).hexdigest()


def write_plan(path: Path, plan: Plan) -> None:
    """Write the plan as JSON, atomically."""
    write_text(path, _serialise(plan))


def read_plan(path: Path) -> Plan:
    """Read and validate the plan of a session.

    Parameters
    ----------
    path : Path
        A `plan.json` as `write_plan` writes it.

    Returns
    -------
    Plan
        All that was fixed before the session's first trial.

    Raises
    ------
    LookalikeError
        If the file is missing or damaged, naming the first field at fault.

    Examples
    --------
    >>> from pathlib import Path
    >>> from data import read_plan
    >>> from data.plan import Plan, PlannedTrial, write_plan
    >>> trial = PlannedTrial(
    ...     trial=1, stimulus_id="s1", file="images/s1.png", truth="real", role="main", sha256="0" * 64
    ... )
    >>> plan = Plan(
    ...     participant="k7q2m", session=1, task="realfake", seed=1, study_name="Ours", study_sha256="0" * 64,
    ...     stimulus_set_sha256="0" * 64, confidence_levels=4, told_prevalence=0.5, max_run=None,
    ...     keys={"real": "left", "generated": "right"}, versions={}, trials=(trial,),
    ... )
    >>> write_plan(Path("plan.json"), plan)
    >>> read_plan(Path("plan.json")) == plan
    True
    """
    path = Path(path)
    try:
        return Plan.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise LookalikeError("no-such-file", f"{path}: no such plan; has this session been run?") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        message = f"{path}: {where}: {first['msg']}; restore the file from a backup"
        raise LookalikeError("damaged-file", message) from None


def _serialise(plan: Plan) -> str:
    return plan.model_dump_json(indent=2) + "\n"
