"""Dorfman, Berbaum & Metz's analysis: pseudovalues by definition, and Obuchowski & Rockette's by another road."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from analysis.mrmc import dbm, obuchowski
from analysis.mrmc.readings import from_trials
from data.errors import LookalikeError


def trials(seed: int = 1, readers: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    image = rng.normal(size=11)
    rows = [
        (f"p{r}", f"s{i:02d}", "generated" if i < 5 else "real", round(rating, 1), modality)
        for modality in "ab"
        for r in range(readers)
        for i, rating in enumerate(image + rng.normal(size=11) + 0.6 * (np.arange(11) < 5))
    ]
    return pd.DataFrame(rows, columns=["participant", "stimulus_id", "truth", "rating", "modality"])


def test_a_pseudovalue_is_what_an_image_adds() -> None:
    """N · AUC − (N − 1) · AUC without the image, by scikit-learn."""
    table = trials()
    found = dbm.pseudovalues(from_trials(table))
    for t, modality in enumerate("ab"):
        for r in range(3):
            own = table[(table["modality"] == modality) & (table["participant"] == f"p{r}")]
            signal, rating = (own["truth"] == "generated").to_numpy(), own["rating"].to_numpy()
            for i in range(11):
                rest = np.arange(11) != i
                value = 11 * roc_auc_score(signal, rating) - 10 * roc_auc_score(signal[rest], rating[rest])
                assert found[t, r, i] == pytest.approx(value, abs=1e-12)


def test_mean_squares_are_statsmodels() -> None:
    table = trials()
    values = dbm.pseudovalues(from_trials(table))
    index = pd.MultiIndex.from_product([range(n) for n in values.shape], names=["t", "r", "c"])
    frame = pd.DataFrame({"y": values.ravel()}, index=index).reset_index()
    # The threefold interaction is the residual of the model with all twofold ones.
    anova = anova_lm(ols("y ~ C(t) * C(r) + C(t) * C(c) + C(r) * C(c)", frame).fit())
    found = dbm.difference(table)
    names = ("modality", "reader", "modality_reader", "image", "modality_image", "reader_image", "residual")
    terms = ("C(t)", "C(r)", "C(t):C(r)", "C(c)", "C(t):C(c)", "C(r):C(c)", "Residual")
    for name, term in zip(names, terms, strict=True):
        assert getattr(found, f"ms_{name}") == pytest.approx(anova.loc[term, "mean_sq"])


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.integers(2, 5))
def test_it_is_obuchowski_and_rockettes_analysis_with_jackknife_covariances(seed: int, readers: int) -> None:
    """Hillis et al. (2005), Stat. Med. 24:1579; the published F, df and CI of the latter are in test_obuchowski."""
    table = trials(seed, readers)
    for options in _options():
        a, b = dbm.difference(table, **options), obuchowski.difference(table, "jackknife", **options)
        assert a.difference == pytest.approx(b.difference, abs=1e-12)
        if b.cov2 > b.cov3 or options.get("readers") != "fixed":  # fixed: Obuchowski & Rockette's has a constraint more
            assert (a.se, a.f) == pytest.approx((b.se, b.f), rel=1e-6)
        if options.get("readers") != "fixed":
            assert (a.df, a.p, a.low) == pytest.approx((b.df, b.p, b.low), rel=1e-6)
    assert a.ms_modality == pytest.approx(11 * b.ms_modality)
    assert a.ms_modality_reader == pytest.approx(11 * b.ms_reader_modality)
    assert a.reader_variance == pytest.approx(b.reader_variance, abs=1e-9)
    assert a.modality_reader_variance == pytest.approx(b.reader_modality_variance, abs=1e-9)


def test_components_add_up_to_the_mean_squares() -> None:
    found = dbm.difference(trials(), readers="fixed")
    assert (found.participants, found.images, found.df) == (3, 11, 10)
    residual, both = found.residual_variance, 3 * found.modality_image_variance
    assert found.ms_modality_image == pytest.approx(residual + both)
    assert found.ms_image == pytest.approx(residual + both + 2 * found.reader_image_variance + 6 * found.image_variance)


def test_one_participant_can_only_be_fixed() -> None:
    one = dbm.difference(trials(readers=1))
    assert "one participant" in str(one.reason)
    assert math.isnan(one.se)
    assert dbm.difference(trials(readers=1), readers="fixed").se > 0


def test_other_designs_are_refused() -> None:
    table = trials()
    with pytest.raises(LookalikeError, match="same images in all readings"):
        dbm.difference(table.iloc[1:])
    with pytest.raises(LookalikeError, match="same images in all readings"):
        dbm.difference(table.assign(stimulus_id=table["stimulus_id"] + table["modality"]).query("participant == 'p0'"))
    with pytest.raises(LookalikeError, match="two images of each class"):
        dbm.difference(table[table["stimulus_id"].isin(["s00", "s07", "s08"])])
    with pytest.raises(LookalikeError, match="needs two"):
        dbm.difference(table[table["modality"] == "a"])
    with pytest.raises(LookalikeError, match="not both fixed"):
        dbm.difference(table, readers="fixed", images="fixed")


def _options() -> list[dict[str, Any]]:
    return [{"readers": "fixed"}, {"images": "fixed"}, {}]


def test_one_modality_is_obuchowski_and_rockettes_with_the_jackknife() -> None:
    """The same identity (Hillis et al. 2005) for a single modality, and the mean squares are statsmodels'."""
    table = trials(seed=4, readers=4)
    one = table[table["modality"] == "a"].drop(columns="modality")
    found, expected = dbm.auc(one, level=0.95), obuchowski.auc(one, "jackknife", level=0.95)
    assert found.auc == pytest.approx(expected.auc, abs=1e-12)
    assert (found.se, found.df, found.low, found.high, found.p_chance) == pytest.approx(
        (expected.se, expected.df, expected.low, expected.high, expected.p_chance), rel=1e-9
    )
    values = dbm.pseudovalues(from_trials(one))[0]
    frame = pd.DataFrame({"y": values.ravel(), "r": np.repeat(range(4), 11), "c": np.tile(range(11), 4)})
    anova = anova_lm(ols("y ~ C(r) + C(c)", frame).fit())["mean_sq"]
    assert (found.ms_reader, found.ms_image, found.ms_reader_image) == pytest.approx(
        (anova["C(r)"], anova["C(c)"], anova["Residual"])
    )


def test_one_modality_is_needed_and_one_participant_has_no_interval() -> None:
    with pytest.raises(LookalikeError, match="pass one"):
        dbm.auc(trials())
    alone = trials(readers=1)
    found = dbm.auc(alone[alone["modality"] == "a"])
    assert "one participant" in str(found.reason)
    assert math.isnan(found.low)
