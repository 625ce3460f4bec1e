"""Mixed models of covariates against lme4 with lmerTest, statsmodels, and simulated studies."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy.stats import linregress, ttest_ind

from analysis.designs.covariates import CovariateModel, covariate_model
from data.errors import LookalikeError

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "covariates.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", REFERENCE["cases"], ids=[one["name"] for one in REFERENCE["cases"]])
def test_lme4_gives_the_same(case: dict[str, Any]) -> None:
    """Estimates, standard errors and SDs to 1e-4; degrees of freedom where they are exact, else within a fifth."""
    table = pd.DataFrame(case["data"]).assign(session=1)
    mixed = case["name"] != "one value each"
    found = covariate_model(table if mixed else table.drop(columns="condition"), ["years", "expertise"])
    assert found.intercept == pytest.approx(case["estimate"][0], abs=1e-4)
    assert [one.change for one in found.effects] == pytest.approx(case["estimate"][1:], abs=1e-4)
    assert [one.se for one in found.effects] == pytest.approx(case["se"][1:], rel=1e-3)
    assert found.residual_sd == pytest.approx(case["residual_sd"], rel=1e-3)
    if mixed:
        assert found.participant_sd == pytest.approx(case["participant_sd"], rel=1e-3)
    exact = case["name"] != "with gaps"
    assert [one.df for one in found.effects] == pytest.approx(case["df"][1:], rel=1e-3 if exact else 0.2)
    assert [one.p for one in found.effects] == pytest.approx(case["p"][1:], rel=0.01 if exact else 0.2, abs=1e-9)


def test_statsmodels_mixed_model_is_the_same_where_it_converges() -> None:
    table = _people(seed=2, people=30, conditions=("a", "b"), gaps=0.1)
    found = covariate_model(table, ["years"])
    centred = table.assign(years=table["years"] - table.groupby("participant")["years"].first().mean())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = smf.mixedlm("dprime ~ years + condition", centred, groups="participant").fit(reml=True)
    assert found.effects[0].change == pytest.approx(fit.params["years"], abs=1e-4)
    assert found.effects[0].se == pytest.approx(fit.bse["years"], rel=1e-3)
    assert found.participant_sd**2 == pytest.approx(float(fit.cov_re.iloc[0, 0]), rel=1e-2)


def test_of_one_value_each_it_is_a_regression_or_a_t_test() -> None:
    table = _people(seed=3, people=20)
    slope = linregress(table["years"], table["dprime"])
    (effect,) = covariate_model(table, ["years"]).effects
    assert (effect.change, effect.se, effect.p, effect.df) == pytest.approx(
        (slope.slope, slope.stderr, slope.pvalue, 18)
    )
    novice = table["expertise"] == "novice"
    (effect,) = covariate_model(table, ["expertise"]).effects
    expected = ttest_ind(table.loc[novice, "dprime"], table.loc[~novice, "dprime"])
    assert (effect.level_of_it, effect.reference) == ("novice", "expert")
    assert effect.p == pytest.approx(expected.pvalue)


def test_participants_who_do_not_differ_are_no_failure() -> None:
    """Values of a participant that differ more than those of two: the variance between is 0, as least squares."""
    table = pd.DataFrame(
        {"participant": np.repeat([*"abcdef"], 2), "session": [1, 2] * 6, "years": np.repeat(range(6), 2)}
    )
    found = covariate_model(
        table.assign(dprime=[0.0, 1.0, 0.1, 0.9, 0.05, 1.0, 0.0, 1.1, 0.1, 1.0, 0.0, 0.9]), ["years"]
    )
    assert found.participant_sd == 0
    assert [one.within for one in found.effects] == [False, True]
    assert found.effects[1].change == pytest.approx(np.mean([1.0, 0.8, 0.95, 1.1, 0.9, 0.9]))


def test_who_has_no_value_is_left_out_and_counted() -> None:
    table = _people(seed=4, people=12)
    table.loc[0, "years"] = np.nan
    table.loc[1, "dprime"] = np.nan
    found = covariate_model(table, ["years"])
    assert (found.participants, found.left_out) == (10, 2)
    assert CovariateModel.from_json(found.to_json()) == found


def test_what_cannot_be_fitted_says_why() -> None:
    table = _people(seed=5, people=12)
    assert "determine one another" in str(
        covariate_model(table.assign(more=2 * table["years"]), ["years", "more"]).reason
    )
    assert "too few" in str(covariate_model(table.iloc[:3], ["years"]).reason)
    assert "cannot be separated" in str(covariate_model(table.assign(years=3), ["years"]).reason)
    several = _people(seed=5, people=4, conditions=("a", "b"))
    several.loc[0, "years"] = 99
    words = _people(seed=6, people=12).assign(town=[f"town {n}" for n in range(12)])
    for wrong, names, code in (
        (table, ["grade"], "missing-column"),
        (table, [], "missing-column"),
        (several, ["years"], "contradictory-facts"),
        (words, ["town"], "too-many-levels"),
    ):
        with pytest.raises(LookalikeError) as caught:
            covariate_model(wrong, names)
        assert caught.value.code == code


@pytest.mark.slow
@pytest.mark.parametrize("conditions", [(), ("a", "b", "c")])
def test_covariates_without_an_effect_are_rarely_found_and_effects_are_covered(conditions: tuple[str, ...]) -> None:
    """500 studies of 12 participants (SE .01)."""
    found = [
        covariate_model(_people(seed, people=12, conditions=conditions, slope=0.02), ["years", "expertise"])
        for seed in range(500)
    ]
    slopes, null = ([one.effects[place] for one in found] for place in (0, 1))
    assert np.mean([one.low <= 0.02 <= one.high for one in slopes]) == pytest.approx(0.95, abs=0.025)
    assert np.mean([one.p < 0.05 for one in null]) == pytest.approx(0.05, abs=0.025)


def _people(
    seed: int, people: int, conditions: tuple[str, ...] = (), slope: float = 0.03, gaps: float = 0.0
) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "participant": [f"p{n:02d}" for n in range(people)],
            "session": 1,
            "years": rng.integers(1, 30, people).astype(float),
            "expertise": np.tile(["novice", "expert"], people)[:people],
            "skill": 0.4 * rng.normal(size=people),
        }
    )
    if conditions:
        table = table.merge(pd.DataFrame({"condition": conditions}), how="cross")
    table["dprime"] = 0.5 + slope * table["years"] + table["skill"] + 0.3 * rng.normal(size=len(table))
    return table[rng.random(len(table)) >= gaps].reset_index(drop=True)
