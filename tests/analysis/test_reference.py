"""The rating ROC, its comparisons and its partial area against R's pROC (reference/proc.R)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import t as student

from analysis.roc import comparison as roc_comparison
from analysis.roc import partial as roc_partial
from analysis.roc import roc
from analysis.roc.partial import Axis

PROC: dict[str, Any] = json.loads((Path(__file__).parent / "reference" / "proc.json").read_text("utf-8"))
STUDIES: dict[str, Any] = PROC["studies"]


def words(study: dict[str, Any]) -> np.ndarray:
    return np.where(np.array(study["truth"]) == 1, "generated", "real")


@pytest.mark.parametrize("rater", ["first", "second"])
@pytest.mark.parametrize("name", STUDIES)
def test_auc_and_delongs_variance_are_procs(name: str, rater: str) -> None:
    """Ratings with ties and continuous ones, above, at and below chance; to 1e-12."""
    study = STUDIES[name]
    result = roc.roc_auc(words(study), study[rater])
    reference = study["pROC"][rater]
    assert result.auc == pytest.approx(reference["auc"], abs=1e-12)
    assert result.se**2 == pytest.approx(reference["variance"], abs=1e-12)


@pytest.mark.parametrize("name", STUDIES)
def test_the_paired_comparison_is_procs(name: str) -> None:
    """DeLong's z, p and covariance of two ratings of the same images; to 1e-10."""
    study = STUDIES[name]
    found, reference = (
        roc_comparison.compare_aucs(words(study), study["first"], study["second"]),
        study["pROC"]["test"],
    )
    assert found.z == pytest.approx(reference["paired_z"], abs=1e-10)
    assert found.p == pytest.approx(reference["paired_p"], abs=1e-10)
    variances = [study["pROC"][rater]["variance"] for rater in ("first", "second")]
    assert found.correlation * np.sqrt(np.prod(variances)) == pytest.approx(reference["covariance"], abs=1e-12)


@pytest.mark.parametrize("name", STUDIES)
def test_the_unpaired_comparison_is_procs(name: str) -> None:
    """The same statistic to 1e-10. pROC takes p from t with Welch's degrees of freedom, this package from z."""
    study = STUDIES[name]
    found = roc_comparison.compare_independent_aucs(
        *(roc.roc_auc(words(study), study[rater]) for rater in ("first", "second"))
    )
    reference = study["pROC"]["test"]
    assert found.z == pytest.approx(reference["unpaired_d"], abs=1e-10)
    assert 2 * student.sf(abs(found.z), reference["unpaired_df"]) == pytest.approx(reference["unpaired_p"], abs=1e-10)
    assert found.p == pytest.approx(reference["unpaired_p"], abs=0.005)


@pytest.mark.parametrize("rater", ["first", "second"])
@pytest.mark.parametrize("name", STUDIES)
@pytest.mark.parametrize(
    ("column", "start", "stop", "axis"),
    [
        ("partial_false_alarm_0_20", 0.0, 0.2, "false-alarm rate"),
        ("partial_false_alarm_10_50", 0.1, 0.5, "false-alarm rate"),
        ("partial_hit_80_100", 0.8, 1.0, "hit rate"),
    ],
)
def test_partial_areas_are_procs(name: str, rater: str, column: str, start: float, stop: float, axis: Axis) -> None:
    """Raw, and standardised as McClish does; to 1e-12."""
    study = STUDIES[name]
    found = roc_partial.partial_auc(words(study), study[rater], start, stop, axis)
    reference = study["pROC"][rater]
    assert found.area == pytest.approx(reference[column], abs=1e-12)
    assert found.standardised == pytest.approx(reference[f"{column}_corrected"], abs=1e-12)
