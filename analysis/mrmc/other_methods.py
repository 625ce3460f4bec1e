"""The group's AUC by other methods: does the primary result depend on the method?

All are secondary. They differ in what they take as a sample and in how they estimate how far the AUCs of
participants vary together because they saw the same images. Where they disagree with the primary one by more than
a digit, the study is small or its design is not what a method assumes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from analysis.mrmc import obuchowski_rockette
from analysis.mrmc.auc_covariance import Method
from analysis.mrmc.mrmc import Auc, Difference, mrmc_auc, mrmc_difference
from analysis.mrmc.obuchowski_rockette import OrAuc, OrDifference
from analysis.mrmc.ustatistics import kernel_sums
from analysis.mrmc.variance import Sampled
from analysis.readings import Readings, from_trials
from analysis.roc.clusters import clustered_bootstrap
from analysis.roc.permutation import permutation_test
from data.errors import LookalikeError
from data.results.result import Result

# Of more participants than this, figures and tables show the group only, not each by themselves.
MOST = 60
_PRIMARY, _T = "one-shot U-statistics (primary)", "t over participants"
_OR: tuple[tuple[Method, str], ...] = (
    ("delong", "Obuchowski–Rockette, DeLong"),
    (
        "jackknife",
        "Obuchowski–Rockette, jackknife",
    ),  # Dorfman, Berbaum & Metz's is the same (test_dorfman_berbaum_metz)
    ("bootstrap", "Obuchowski–Rockette, bootstrap"),
)
_BOTH = "participants and images"
_SEED = 0


@dataclass(frozen=True, eq=False)
class MethodResult(Result):
    """What one `method` says: `value` (an AUC, or a difference of two), its interval at `level` and p.

    `sample` is what was taken as a sample of more. p is two-sided against chance, or against no difference. What is
    undefined, or what a method does not give, is NaN; `reason` says why where the method could not be used.
    """

    method: str
    sample: str
    value: float
    low: float
    high: float
    level: float
    p: float
    reason: str | None


def auc_by_method(rated: pd.DataFrame, level: float = 0.9) -> tuple[MethodResult, ...]:
    """The mean AUC of one group, from a table for `readings.from_trials`.

    The first row is the primary method, one-shot U-statistics. Then Obuchowski & Rockette's with three
    covariances, a t interval over participants (images fixed), the bootstrap of participants and images together
    (BCa), and the permutation of the images' labels.
    """
    study = from_trials(rated)
    methods: list[tuple[str, str, Callable[[], dict[str, Any]]]] = [
        (_PRIMARY, _BOTH, lambda: _read(mrmc_auc(study, level=level, readers=_readers(study)))),
        *((name, _BOTH, partial(_or_auc, study, method, level)) for method, name in _OR),
        (_T, "participants", lambda: _read(mrmc_auc(study, level=level, images="fixed"))),
        ("bootstrap of both, BCa", _BOTH, lambda: _resampled(rated, level)),
        ("permuted labels", "labels of images", lambda: _permuted(rated)),
    ]
    if study.readings:
        kernel_sums(study)  # once, and not in every thread
    # Each has its own seed, and nearly all the work is NumPy's, outside Python's lock.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return tuple(pool.map(lambda one: _row(one[0], one[1], level, one[2]), methods))


def difference_by_method(study: Readings, level: float = 0.9) -> tuple[MethodResult, ...]:
    """The difference of two modalities, first less second by name, by the methods that have one."""
    rows = [
        _row(_PRIMARY, _BOTH, level, lambda: _read(mrmc_difference(study, level=level, readers=_readers(study)))),
        *(_row(name, _BOTH, level, partial(_or_difference, study, method, level)) for method, name in _OR),
        _row(_T, "participants", level, lambda: _read(mrmc_difference(study, level=level, images="fixed"))),
    ]
    return tuple(rows)


def _readers(study: Readings) -> Sampled:
    """One participant says nothing about others."""
    return "fixed" if len(study.participants) < 2 else "random"


def _read(found: Auc | Difference | OrAuc | OrDifference) -> dict[str, Any]:
    value, p = (found.auc, found.p_chance) if isinstance(found, Auc | OrAuc) else (found.difference, found.p)
    return {"value": value, "low": found.low, "high": found.high, "p": p, "reason": found.reason}


def _or_auc(study: Readings, method: Method, level: float) -> dict[str, Any]:
    return _read(obuchowski_rockette.auc(study, method, level=level, seed=_SEED))


def _or_difference(study: Readings, method: Method, level: float) -> dict[str, Any]:
    return _read(obuchowski_rockette.difference(study, method, level=level, seed=_SEED))


def _resampled(rated: pd.DataFrame, level: float) -> dict[str, Any]:
    people, images = rated["participant"], rated["stimulus_id"]
    found = clustered_bootstrap(rated["truth"], rated["rating"], people, images, _SEED, level=level)
    return {"value": found.estimate, "low": found.bca_low, "high": found.bca_high, "p": np.nan, "reason": found.reason}


def _permuted(rated: pd.DataFrame) -> dict[str, Any]:
    people, images = rated["participant"], rated["stimulus_id"]
    found = permutation_test(rated["truth"], rated["rating"], _SEED, participant=people, image=images)
    return {"value": found.auc, "low": np.nan, "high": np.nan, "p": found.p, "reason": found.reason}


def _row(method: str, sample: str, level: float, find: Callable[[], dict[str, Any]]) -> MethodResult:
    """A method that does not take this design says so in its row: the others still stand."""
    nothing = {"value": np.nan, "low": np.nan, "high": np.nan, "p": np.nan}
    try:
        return MethodResult(method, sample, level=level, **find())
    except LookalikeError as error:
        return MethodResult(method, sample, level=level, **nothing, reason=str(error))
