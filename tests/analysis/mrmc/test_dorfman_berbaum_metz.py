"""Obuchowski & Rockette's analysis with the jackknife is Dorfman, Berbaum & Metz's, which is written out here.

A pseudovalue is what one image adds to a reader's AUC, N · AUC − (N − 1) · AUC without the image. Modality x
reader x image tables of them are analysed as if observed (Dorfman, Berbaum & Metz 1992, Invest. Radiol.
27:723) with the denominators and degrees of freedom of Hillis, Berbaum & Metz (2008, Acad. Radiol. 15:647).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from analysis.intervals import TInterval, t_interval
from analysis.mrmc import obuchowski_rockette
from analysis.mrmc.ustatistics import influences, kernel_sums
from analysis.mrmc.variance import Sampled
from analysis.readings import Readings, from_trials
from data.arrays import Floats


class Dbm(NamedTuple):
    """A mean AUC or a difference of two, its t interval and tests, and the pseudovalues' mean squares by effect:
    t (modality), r (reader) and c (image)."""

    value: float
    tested: TInterval
    ms: dict[str, float]


def pseudovalues(study: Readings) -> Floats:
    """Pseudovalues of a study crossed in everything, shape (modalities, readers, images), generated images first."""
    sums, m, n = kernel_sums(study), study.generated, study.real
    # Without an image the AUC falls by the image's influence, times count / (count − 1) for its class.
    falls = [np.array(one) * count / (count - 1) for one, count in zip(influences(sums), (m, n), strict=True)]
    values = sums.auc[:, np.newaxis] + (m + n - 1) * np.concatenate(falls, axis=1)
    return np.asarray(values.reshape(len(study.modalities), -1, m + n))


def mean_squares(values: Floats) -> dict[str, float]:
    axes = {"t": 0, "r": 1, "c": 2}
    effects: dict[str, Floats] = {"": values.mean(keepdims=True)}
    squares = {}
    for name in ("t", "r", "c", "tr", "tc", "rc", "trc"):
        others = tuple(axis for letter, axis in axes.items() if letter not in name)
        effect = values.mean(axis=others, keepdims=True)
        effects[name] = effect = effect - sum(part for other, part in effects.items() if set(other) < set(name))
        df = math.prod([values.shape[axes[letter]] - 1 for letter in name])
        squares[name] = float(np.sum(effect**2)) * values.size / effect.size / df if df else math.nan
    return squares


def denominator(ms: dict[str, float], values: Floats, readers: Sampled, images: Sampled) -> tuple[float, float]:
    """The F test's denominator and its degrees of freedom."""
    _, r, n = values.shape
    if readers == "fixed":
        return ms["tc"], n - 1
    if images == "fixed":
        return ms["tr"], r - 1
    variance = ms["tr"] + max(ms["tc"] - ms["trc"], 0)
    return variance, variance**2 / (ms["tr"] ** 2 / (r - 1))


def dbm_difference(table: pd.DataFrame, readers: Sampled = "random", images: Sampled = "random") -> Dbm:
    values = pseudovalues(from_trials(table))
    ms, means = mean_squares(values), values.mean(axis=(1, 2))
    variance, df = denominator(ms, values, readers, images)
    value = float(means[0] - means[1])
    return Dbm(value, t_interval(value, 2 * variance / values[0].size, df, null=0, level=0.9, limits=(-1, 1)), ms)


def dbm_auc(table: pd.DataFrame, level: float) -> Dbm:
    values = pseudovalues(from_trials(table))
    ms, value = mean_squares(values), float(values.mean())
    # As for a difference, with the effects of readers and images in place of their interactions with modality.
    variance, df = denominator({"tr": ms["r"], "tc": ms["c"], "trc": ms["rc"]}, values, "random", "random")
    return Dbm(value, t_interval(value, variance / values.size, df, null=0.5, level=level, limits=(0, 1)), ms)


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


@pytest.mark.slow
def test_a_pseudovalue_is_what_an_image_adds() -> None:
    """N · AUC − (N − 1) · AUC without the image, by scikit-learn."""
    table = trials()
    found = pseudovalues(from_trials(table))
    for t, modality in enumerate("ab"):
        for r in range(3):
            own = table[(table["modality"] == modality) & (table["participant"] == f"p{r}")]
            signal, rating = (own["truth"] == "generated").to_numpy(), own["rating"].to_numpy()
            for i in range(11):
                rest = np.arange(11) != i
                value = 11 * roc_auc_score(signal, rating) - 10 * roc_auc_score(signal[rest], rating[rest])
                assert found[t, r, i] == pytest.approx(value, abs=1e-12)


def test_mean_squares_are_statsmodels() -> None:
    values = pseudovalues(from_trials(trials()))
    index = pd.MultiIndex.from_product([range(n) for n in values.shape], names=["t", "r", "c"])
    frame = pd.DataFrame({"y": values.ravel()}, index=index).reset_index()
    # The threefold interaction is the residual of the model with all twofold ones.
    anova = anova_lm(ols("y ~ C(t) * C(r) + C(t) * C(c) + C(r) * C(c)", frame).fit())["mean_sq"]
    terms = ("C(t)", "C(r)", "C(c)", "C(t):C(r)", "C(t):C(c)", "C(r):C(c)", "Residual")
    assert list(mean_squares(values).values()) == pytest.approx(anova[list(terms)].to_list())


@pytest.mark.slow
@settings(max_examples=15)
@given(st.integers(0, 10_000), st.integers(2, 5))
def test_a_difference_is_obuchowski_and_rockettes_with_jackknife_covariances(seed: int, readers: int) -> None:
    """Hillis et al. (2005), Stat. Med. 24:1579; the published F, df and CI of the latter are in
    test_obuchowski_rockette."""
    table = trials(seed, readers)
    for of_readers, of_images in (("fixed", "random"), ("random", "fixed"), ("random", "random")):
        a = dbm_difference(table, readers=of_readers, images=of_images)
        b = obuchowski_rockette.difference(table, "jackknife", readers=of_readers, images=of_images)
        assert a.value == pytest.approx(b.difference, abs=1e-12)
        if b.cov2 > b.cov3 or of_readers != "fixed":  # fixed: Obuchowski & Rockette's has a constraint more
            assert a.tested.se == pytest.approx(b.se, rel=1e-6)
        if of_readers != "fixed":
            assert (a.tested.df, a.tested.p, a.tested.low) == pytest.approx((b.df, b.p, b.low), rel=1e-6)
    assert a.ms["t"] == pytest.approx(11 * b.ms_modality)
    assert a.ms["tr"] == pytest.approx(11 * b.ms_reader_modality)
    components = ((a.ms["r"] - a.ms["tr"] - a.ms["rc"] + a.ms["trc"]) / 22, (a.ms["tr"] - a.ms["trc"]) / 11)
    assert components == pytest.approx((b.reader_variance, b.reader_modality_variance), abs=1e-9)


def test_one_modality_is_obuchowski_and_rockettes_with_the_jackknife() -> None:
    """The same identity (Hillis et al. 2005) for a single modality, and the mean squares are statsmodels'."""
    table = trials(seed=4, readers=4)
    one = table[table["modality"] == "a"].drop(columns="modality")
    found, expected = dbm_auc(one, level=0.95), obuchowski_rockette.auc(one, "jackknife", level=0.95)
    assert found.value == pytest.approx(expected.auc, abs=1e-12)
    assert found.tested[:5] == pytest.approx(
        (expected.se, expected.df, expected.low, expected.high, expected.p_chance), rel=1e-9
    )
    values = pseudovalues(from_trials(one))[0]
    frame = pd.DataFrame({"y": values.ravel(), "r": np.repeat(range(4), 11), "c": np.tile(range(11), 4)})
    anova = anova_lm(ols("y ~ C(r) + C(c)", frame).fit())["mean_sq"]
    assert [found.ms[effect] for effect in ("r", "c", "rc")] == pytest.approx(
        [anova["C(r)"], anova["C(c)"], anova["Residual"]]
    )
