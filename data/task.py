"""The task file: what participants are shown, asked and told, as TOML.

A study file names its task: one that comes with the package (`data/tasks/`) or a TOML file beside it. The rule
between the two goes one way: a task gives the layout of a session (`Layout`), and what the study file sets in its
`[plan]` wins. All else about a session is the task's alone. Both files' hashes stand in every session's plan.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from data.settings import Section, nearest, read_settings
from data.shipped import TASKS

# Of each kind of task, what its two keys say; the first one is on the left unless the task or counterbalancing says so.
# A match is a place on a loop, so its kind has none.
ANSWERS: dict[str, tuple[str, ...]] = {
    "realfake": ("real", "generated"),
    "two_alternative": ("left", "right"),
    "same_different": ("same", "different"),
    "matching": (),
}
_TAKEN_KEYS = {"space", "escape", "y", "n"}  # go on, stop, and the question whether to stop
_NUMBER_KEY = re.compile("(num_)?[0-9]")  # how sure


class Layout(Section):
    """How many trials of what: what a task gives and a study file may set otherwise."""

    trials: int = Field(100, ge=2, description="main trials in a session; half of each truth")
    confidence_levels: int = Field(4, ge=0, le=9, description="confidence is 1 (least sure) to this; 0 asks for none")
    practice_trials: int = Field(0, ge=0, description="practice trials before the first main one")
    catch_trials: int = Field(0, ge=0, description="known fakes hidden among the main trials")
    max_run: int | None = Field(None, ge=2, description="longest run of one truth; None is no limit")
    told_prevalence: float = Field(0.5, gt=0, lt=1, description="share of generated images told to participants")


class Text(Section):
    """Words of the task's own. `consent` is shown first, if there is any; each other replaces a shipped text.

    What must be true of the session (keys, scale, prevalence, how to stop) is always added to `instructions`.
    """

    consent: str = ""
    instructions: str = ""
    practice: str = ""
    pause: str = ""
    thanks: str = ""


class Task(Layout):
    """One task file. See `data/tasks/realfake.toml` for a worked one."""

    kind: Literal["realfake", "two_alternative", "same_different", "matching"]
    blocks: int = Field(1, ge=1, description="parts of about equal length with a break between them")
    images: Literal["shared", "own"] = "shared"
    exposure_s: float | None = Field(None, gt=0, le=60, description="how long an image stays; None is until answered")
    mask_s: float = Field(0, ge=0, le=10, description="noise of the image's own greys after a fixed exposure")
    delay_s: float = Field(0, ge=0, le=60, description="matching: nothing, before the image that is turned")
    min_start_deg: float = Field(
        30, ge=0, le=150, description="matching: the image that is turned never starts nearer to the target than this"
    )
    counterbalance_keys: bool = Field(True, description="every other new participant has the keys the other way round")
    keys: dict[str, str] = Field({}, description="answer -> key; by default the left and the right arrow")
    text: Text = Text()

    @model_validator(mode="after")
    def _fits(self) -> Task:
        refuse_layout(self.kind, self)
        answers = ANSWERS[self.kind]
        for answer in self.keys:
            if not answers:
                raise ValueError("keys: a match is turned with the arrow keys, which are no setting; leave them out")
            if answer not in answers:
                raise ValueError(f"keys.{answer}: no answer of this kind; {nearest(answer, list(answers))}")
        keys = list(self.key_mapping.values())
        if len(set(keys)) < len(keys):
            raise ValueError(f"keys: both answers are on {keys[0]!r}; give each a key of its own")
        for key in keys:
            if key in _TAKEN_KEYS or _NUMBER_KEY.fullmatch(key) or not key:
                raise ValueError(f"keys: {key!r} has another meaning (go on, stop, or how sure); choose another key")
        if self.mask_s and self.exposure_s is None:
            raise ValueError("mask_s: a mask follows a fixed exposure; set exposure_s too")
        if self.blocks > self.trials:
            raise ValueError(f"blocks is {self.blocks}, trials only {self.trials}; each block needs a trial")
        if self.kind == "matching":
            self._fits_matching()
        elif self.delay_s or self.min_start_deg != type(self).model_fields["min_start_deg"].default:
            raise ValueError("delay_s and min_start_deg are settings of the kind 'matching'; leave them out")
        return self

    def _fits_matching(self) -> None:
        if self.exposure_s is None:
            raise ValueError("exposure_s: a match is made of an image that is gone; say how long it is shown")
        if self.images == "own":
            raise ValueError("images: every participant gets targets of his own anyway; leave it out")

    @property
    def key_mapping(self) -> dict[str, str]:
        """Answer -> key, both answers stated, before any counterbalancing."""
        usual = zip(ANSWERS[self.kind], ("left", "right"), strict=False)
        return {answer: self.keys.get(answer, key) for answer, key in usual}


def refuse_layout(kind: str, layout: Layout) -> None:
    """Raise `ValueError`, naming the setting, if a task of this kind cannot be laid out so."""
    if kind == "matching":
        if layout.catch_trials or layout.max_run is not None:
            raise ValueError("catch_trials and max_run: all targets are of one kind; leave them out")
        if layout.confidence_levels == 1:
            raise ValueError("confidence_levels: a scale has 2 levels or more, and 0 asks for no confidence; this is 1")
        return
    if layout.trials % 2:
        raise ValueError(
            f"trials: {layout.trials} is odd; half are of one truth and half of the other: it must be even"
        )
    if layout.confidence_levels < 2:
        raise ValueError(f"confidence_levels: this kind of task needs 2 to 9, and this is {layout.confidence_levels}")


@dataclass(frozen=True)
class TaskFile:
    """A task, the name that its tables bear (letters and digits, as BIDS wants) and its file's SHA-256."""

    task: Task
    label: str
    path: Path
    sha256: str


def read_task(path: Path) -> TaskFile:
    """Read and validate a task file. Raises `LookalikeError` naming the first setting at fault."""
    path = Path(path)
    task, sha256 = read_settings(path, Task, f"no such task file; see {TASKS / 'realfake.toml'} for one to start from")
    return TaskFile(task, task_label(path.stem), path, sha256)


def task_label(name: str) -> str:
    """A task's name as it stands in the names of tables: its letters and digits."""
    return re.sub("[^A-Za-z0-9]", "", name)


def shipped_tasks() -> dict[str, Path]:
    """The tasks that come with the package, by name."""
    return {path.stem: path for path in sorted(TASKS.glob("*.toml"))}
