"""The task file: what participants are shown, asked and told, as TOML.

A study file names its task: one that comes with the package (`data/tasks/`) or a TOML file beside it. The rule
between the two goes one way: a task gives the layout of a session (`data.plan.Layout`), and what the study file sets in
its `[plan]` wins. All else about a session is the task's alone. Both files' hashes stand in every session's plan.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from data.flow.devices import Box
from data.flow.flow import Flow
from data.kinds.keys import key_named
from data.kinds.registry import find, names
from data.plan import Presentation, Text
from data.settings import nearest, read_settings
from data.shipped import TASKS
from data.texts.phrases import read_language
from data.trials import task_label

_TAKEN_KEYS = {"space", "escape", "y", "n"}  # continue, stop, and the question whether to stop
_NUMBER_KEY = re.compile("(num_)?[0-9]")  # how sure


class Task(Presentation):
    """One task file. See `data/tasks/realfake.toml` for a worked one."""

    kind: str
    counterbalance_keys: bool = Field(True, description="every other new participant has the keys the other way round")
    keys: dict[str, str] = Field({}, description="answer -> key; by default the left and the right arrow")
    language: str = Field("", description="a language file (data.texts.phrases), beside the task file or shipped")
    text: Text = Text()

    @model_validator(mode="before")
    @classmethod
    def _text_in_a_file(cls, given: Any) -> Any:
        """`text = "de.toml"` is the same as `language = "de.toml"`."""
        if not isinstance(given, dict) or not isinstance(given.get("text"), str) or "language" in given:
            return given
        return {**{name: value for name, value in given.items() if name != "text"}, "language": given["text"]}

    @field_validator("kind")
    @classmethod
    def _is_known(cls, kind: str) -> str:
        if kind not in names():
            raise ValueError(f"{kind!r} is not a kind of task; {nearest(kind, list(names()))}")
        return kind

    @field_validator("keys")
    @classmethod
    def _are_keys(cls, keys: dict[str, str]) -> dict[str, str]:
        return {answer: key_named(key) for answer, key in keys.items()}

    @field_validator("flow")
    @classmethod
    def _undo_is_key(cls, flow: Flow) -> Flow:
        return flow if flow.undo is None else flow.model_copy(update={"undo": key_named(flow.undo)})

    @field_validator("box")
    @classmethod
    def _buttons_are_keys(cls, box: Box | None) -> Box | None:
        if box is None:
            return None
        return box.model_copy(update={"buttons": {button: key_named(key) for button, key in box.buttons.items()}})

    @model_validator(mode="before")
    @classmethod
    def _a_rating_is_split_in_the_middle(cls, given: Any) -> Any:
        """Half of a rating scale is on either side of its middle, so there are as many levels of confidence."""
        if not isinstance(given, dict) or not isinstance(given.get("rating_levels"), int):
            return given
        return {"confidence_levels": given["rating_levels"] // 2, **given} if given["rating_levels"] else given

    @model_validator(mode="after")
    def _fits(self) -> Task:
        kind = find(self.kind)
        refuse_other_confidence(self.rating_levels, self.confidence_levels)
        kind.refuse_layout(self)
        self._refuse_keys(kind.answers)
        if self.mask_s and self.exposure_s is None:
            raise ValueError("mask_s: a mask follows a fixed exposure; set exposure_s too")
        if self.blocks > self.trials:
            raise ValueError(f"blocks is {self.blocks}, trials only {self.trials}; each block needs a trial")
        kind.refuse_presentation(self)
        kind.refuse_flow(self)
        return self

    def _refuse_keys(self, answers: tuple[str, ...]) -> None:
        if self.rating_levels and self.keys:
            raise ValueError("keys: a rating is given by its number; leave them out")
        for answer in self.keys:
            if not answers:
                raise ValueError("keys: this kind of task is answered on a dial, whose keys are fixed; leave them out")
            if answer not in answers:
                raise ValueError(f"keys.{answer}: not an answer of this kind; {nearest(answer, list(answers))}")
        keys = list(self.key_mapping.values())
        if len(set(keys)) < len(keys):
            raise ValueError(f"keys: both answers are on {keys[0]!r}; give each a key of its own")
        if self.flow.undo in (*keys, *_TAKEN_KEYS) or _NUMBER_KEY.fullmatch(self.flow.undo or ""):
            raise ValueError(f"flow.undo: {self.flow.undo!r} has another meaning; choose another key")
        for key in keys if not self.rating_levels else ():
            if key in _TAKEN_KEYS or _NUMBER_KEY.fullmatch(key):
                raise ValueError(f"keys: {key!r} has another meaning (continue, stop, or how sure); choose another key")

    @property
    def key_mapping(self) -> dict[str, str]:
        """Answer -> key, both answers stated, before any counterbalancing; of a rating, the scale's two ends."""
        if self.rating_levels:
            return dict(zip(find(self.kind).answers, ("1", str(self.rating_levels)), strict=True))
        return {answer: self.keys.get(answer, key) for answer, key in find(self.kind).keys.items()}


def refuse_other_confidence(rating_levels: int, confidence_levels: int) -> None:
    """Raise `ValueError` if a task with a rating scale asks for confidence too."""
    if rating_levels and confidence_levels != rating_levels // 2:
        raise ValueError("confidence_levels: a rating says how sure one is, and nothing more is asked; leave it out")


@dataclass(frozen=True)
class TaskFile:
    """A task file as read.

    Attributes
    ----------
    task : Task
        Its settings.
    label : str
        The task's name in the names of tables: letters and digits, as BIDS wants.
    path : Path
        Where the file is.
    sha256 : str
        SHA-256 of its bytes; with a language file, of both files' hashes.
    phrases : dict of str to str
        The phrases of that language file; without one, none.

    Examples
    --------
    >>> from data import read_task, shipped_tasks
    >>> read_task(shipped_tasks()["same_different"]).label
    'samedifferent'
    """

    task: Task
    label: str
    path: Path
    sha256: str
    phrases: Mapping[str, str] = field(default_factory=dict)


def read_task(path: Path) -> TaskFile:
    """Read and validate a task file.

    Parameters
    ----------
    path : Path
        A TOML file; `shipped_tasks` has some to start from.

    Returns
    -------
    TaskFile
        The settings, with the file's hash.

    Raises
    ------
    LookalikeError
        If the file, or the language file that it names, is missing or not TOML, or naming the first setting at fault.

    Examples
    --------
    >>> from data import read_task, shipped_tasks
    >>> file = read_task(shipped_tasks()["realfake"])
    >>> file.task.trials, file.task.confidence_levels, file.task.key_mapping
    (100, 4, {'real': 'left', 'generated': 'right'})
    """
    path = Path(path)
    task, sha256 = read_settings(path, Task, f"no such task file; see {TASKS / 'realfake.toml'} for one to start from")
    if not task.language:
        return TaskFile(task, task_label(path.stem), path, sha256)
    known = {name: find(name).phrases for name in names()}
    texts, phrases, of_language = read_language(task.language, path.parent, known)
    own = {name: text for name, text in task.text.model_dump().items() if text}
    both = hashlib.sha256((sha256 + of_language).encode()).hexdigest()
    whole = task.model_copy(update={"text": Text(**texts | own)})
    return TaskFile(whole, task_label(path.stem), path, both, phrases)


def shipped_tasks() -> dict[str, Path]:
    """The task files that come with the package, by name.

    Returns
    -------
    dict of str to Path
        One TOML file for each kind of task.

    Examples
    --------
    >>> from data import shipped_tasks
    >>> sorted(shipped_tasks())
    ['matching', 'realfake', 'same_different', 'threshold', 'triads', 'two_alternative']
    """
    return {path.stem: path for path in sorted(TASKS.glob("*.toml"))}
