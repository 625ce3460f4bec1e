"""The study file: what is fixed before trial 1, as TOML.

Its hash stands in every session and in the results, so that a change after the first trial shows.
Words outside the schema are refused: a misspelt setting must not silently fall back to a default.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from data.errors import LookalikeError
from data.kinds.registry import find
from data.plan import Layout
from data.settings import Section, nearest, read_settings
from data.shipped import DEFAULT_TASK, EXAMPLE_STUDY
from data.task import TaskFile, read_task, refuse_other_confidence, shipped_tasks
from data.trials import task_label


class SessionLayout(Layout):
    """How the session is laid out. What the file leaves out is the task's (see `data.task`)."""

    retest_after_days: float = Field(14, ge=0, description="planned days between session 1 and the retest")


class Endpoint(Section):
    """The primary result and the bounds within which it would count as chance.

    `delta` is in units of AUC around .5; .084 corresponds to d' = .3 for equal variances.
    """

    measure: Literal["auc"] = "auc"
    session: Literal[1] = 1
    delta: float | None = Field(None, gt=0, lt=0.5)
    confidence: float = Field(0.90, gt=0.5, lt=1)


class Exclusions(Section):
    """Which sessions are excluded from the measure; each exclusion is reported by name and reason."""

    min_answered: float = Field(0.0, ge=0, le=1, description="least share of main trials with an answer")


class Study(Section):
    """One study file. See `data/example-study/study.toml` for a worked one."""

    name: str = Field(min_length=1)
    task: str = Field(DEFAULT_TASK, pattern=r"^([A-Za-z0-9_]*[A-Za-z0-9]|.+\.toml)$")
    planned_participants: int = Field(ge=1)
    planned_looks: int = Field(1, ge=1, description="how often the data will be analysed")
    plan: SessionLayout = SessionLayout()
    endpoint: Endpoint = Endpoint()
    exclusions: Exclusions = Exclusions()


@dataclass(frozen=True)
class StudyFile:
    """A study file as read.

    Attributes
    ----------
    study : Study
        Its settings; `study.task` is the task's name in the names of tables.
    path : Path
        Where the file is.
    sha256 : str
        SHA-256 of its bytes.
    task : TaskFile or None
        The task that it names. None if there is no such task: what was recorded with it can be read, and nothing new
        can be run.

    Examples
    --------
    >>> from data import read_study
    >>> from data.shipped import EXAMPLE_STUDY
    >>> file = read_study(EXAMPLE_STUDY)
    >>> file.study.planned_participants, file.study.endpoint.delta
    (6, 0.084)
    """

    study: Study
    path: Path
    sha256: str
    task: TaskFile | None

    def need_task(self) -> TaskFile:
        """The task. Raises `LookalikeError` if there is none of that name."""
        if self.task is None:
            known = nearest(self.study.task, [*shipped_tasks()])
            raise LookalikeError(
                "unknown-task",
                f"{self.path}: task: no task is named {self.study.task!r}; {known}, or name a TOML file beside it",
            )
        return self.task


def read_study(path: Path) -> StudyFile:
    """Read and validate a study file and the task that it names.

    Parameters
    ----------
    path : Path
        A TOML file; the package's `data/example-study/study.toml` is one to start from.

    Returns
    -------
    StudyFile
        The study with the file's hash and its task. Its `plan` holds what the file says and, for what it leaves out,
        what the task says.

    Raises
    ------
    LookalikeError
        If the file is missing or not TOML, naming the first setting at fault.

    Examples
    --------
    >>> from pathlib import Path
    >>> from data import read_study
    >>> text = 'name = "Ours"\\nplanned_participants = 10\\n[plan]\\ntrials = 60\\n'
    >>> _ = Path("study.toml").write_text(text)
    >>> study = read_study(Path("study.toml"))
    >>> study.study.plan.trials, study.study.plan.confidence_levels, study.study.task
    (60, 4, 'realfake')
    """
    path = Path(path)
    missing = f"no such study file; is this the study's folder? See {EXAMPLE_STUDY} for one to start from"
    study, sha256 = read_settings(path, Study, missing)
    task = _find_task(path, study.task)
    if task is None:
        return StudyFile(study, path, sha256, None)
    said = {name: getattr(study.plan, name) for name in study.plan.model_fields_set}
    plan = SessionLayout.model_validate({**{name: getattr(task.task, name) for name in Layout.model_fields}, **said})
    try:
        refuse_other_confidence(task.task.rating_levels, plan.confidence_levels)
        find(task.task.kind).refuse_layout(plan)
    except ValueError as error:
        raise LookalikeError("bad-setting", f"{path}: plan.{error}") from None
    return StudyFile(study.model_copy(update={"plan": plan, "task": task.label}), path, sha256, task)


def _find_task(study: Path, name: str) -> TaskFile | None:
    shipped = shipped_tasks()
    by_label = {task_label(stem): task for stem, task in shipped.items()}  # samedifferent is same_different
    if name.endswith(".toml"):
        return read_task(study.parent / name)
    found = shipped.get(name) or by_label.get(name)
    return None if found is None else read_task(found)
