"""The study file: what is fixed before trial 1, as TOML.

Its hash stands in every session and in the results, so that a change after the first trial shows.
Words outside the schema are refused: a misspelt setting must not silently fall back to a default.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from data.errors import LookalikeError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Plan(_Section):
    """How the session is laid out."""

    trials: int = Field(100, ge=2, description="main trials in a session; half real, half generated")
    confidence_levels: int = Field(4, ge=2, le=9, description="confidence is 1 (least sure) to this")
    practice_trials: int = Field(0, ge=0, description="practice trials before the first main one")
    catch_trials: int = Field(0, ge=0, description="known fakes hidden among the main trials")
    max_run: int | None = Field(None, ge=2, description="longest run of one truth; None is no limit")
    told_prevalence: float = Field(0.5, gt=0, lt=1, description="share of generated images told to participants")
    retest_after_days: float = Field(14, ge=0, description="planned days between session 1 and the retest")

    @model_validator(mode="after")
    def _halves(self) -> Plan:
        if self.trials % 2:
            raise ValueError(f"trials is {self.trials}; half are real and half generated, so it must be even")
        return self


class Endpoint(_Section):
    """The primary result and the bounds within which it would count as chance.

    `delta` is in units of AUC around .5; .084 corresponds to d' = .3 for equal variances.
    """

    measure: Literal["auc"] = "auc"
    session: Literal[1] = 1
    delta: float | None = Field(None, gt=0, lt=0.5)
    confidence: float = Field(0.90, gt=0.5, lt=1)


class Exclusions(_Section):
    """Which sessions leave the measure; each exclusion is reported by name and reason."""

    min_answered: float = Field(0.0, ge=0, le=1, description="least share of main trials with an answer")


class Study(_Section):
    """One study file. See `data/example-study/study.toml` for a worked one."""

    name: str = Field(min_length=1)
    task: str = Field("realfake", pattern="^[A-Za-z0-9]+$")
    planned_participants: int = Field(ge=1)
    planned_looks: int = Field(1, ge=1, description="how often the data will be analysed")
    plan: Plan = Plan()
    endpoint: Endpoint = Endpoint()
    exclusions: Exclusions = Exclusions()


@dataclass(frozen=True)
class StudyFile:
    """A study with the SHA-256 of the file that it was read from."""

    study: Study
    path: Path
    sha256: str


def read_study(path: Path) -> StudyFile:
    """Read and validate a study file.

    Raises `LookalikeError` naming the first field at fault.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        raise LookalikeError(
            f"{path}: no such study file; see data/example-study/study.toml for one to start from"
        ) from None
    try:
        study = Study.model_validate(tomllib.loads(content.decode("utf-8-sig")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LookalikeError(f"{path}: not readable as TOML ({error})") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise LookalikeError(f"{path}: {where}: {first['msg']}") from None
    return StudyFile(study, path, hashlib.sha256(content).hexdigest())
