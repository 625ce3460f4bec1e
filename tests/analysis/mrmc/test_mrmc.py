"""MRMC: the interval's coverage and error rates in simulated studies, its invariances, and what it refuses."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import norm, ttest_1samp
from sklearn.metrics import roc_auc_score

from analysis.mrmc import mrmc
from analysis.mrmc.components import variance_components
from analysis.readings import Readings, from_matrix
from analysis.roc import roc
from data.simulated.populations import Population, draw_ratings

CUTS = np.array([-1.2, -0.7, -0.3, 0, 0.3, 0.7, 1.2])  # eight ratings, as four confidence levels give
DELTA = 0.084  # d′ .3 as AUC
BETWEEN_SD, IMAGE_SD = 0.2, 0.5
RATINGS = st.lists(st.lists(st.integers(-4, 4), min_size=8, max_size=8), min_size=2, max_size=5)
TRUTH = ["generated", "real", "real", "generated", "real", "generated", "generated", "real"]


# What it claims, in simulated studies: participants' d′ have SD .2 and all see the images alike with SD .5 of a
# total of 1, as in `data.simulated.observers`. The standard error of a share of 1,000 is .0095 at .9 and .0069 at .05.


@pytest.mark.slow
@pytest.mark.parametrize(
    ("readers", "own_images", "auc"),
    [(10, False, 0.5), (10, False, 0.5 + DELTA), (6, False, 0.5), (6, False, 0.5 + DELTA), (10, True, 0.5 + DELTA)],
)
def test_the_interval_covers_and_equivalence_at_the_bound_is_rare(readers: int, own_images: bool, auc: float) -> None:
    """100 images each. 2,000 studies of each kind, and of partly crossed ones, gave .885–.907 and .039–.052."""
    found = _simulate(1000, readers, auc, lambda study: mrmc.mrmc_auc(study, delta=DELTA), own_images=own_images)
    assert np.mean([one.low <= auc <= one.high for one in found]) == pytest.approx(0.9, abs=0.025)
    aucs = np.array([one.auc for one in found])
    assert np.mean(aucs) == pytest.approx(auc, abs=4 * np.std(aucs) / np.sqrt(1000))
    assert np.mean([one.variance for one in found]) == pytest.approx(np.var(aucs), rel=0.15)
    if auc > 0.5:
        assert 0.02 < np.mean([one.p_equivalence < 0.05 for one in found]) < 0.068
    else:
        assert np.mean([one.p_chance < 0.05 for one in found]) == pytest.approx(0.05, abs=0.02)


@pytest.mark.slow
def test_a_t_test_on_participants_claims_equivalence_too_often_where_this_does_not() -> None:
    """20 participants and 100 images at the bound: images fixed is the t-test, and it forgets them."""
    both = _simulate(
        300,
        20,
        0.5 + DELTA,
        lambda study: [mrmc.mrmc_auc(study, delta=DELTA, images=images) for images in ("random", "fixed")],
    )
    random, fixed = (np.mean([pair[i].p_equivalence < 0.05 for pair in both]) for i in (0, 1))
    assert random < 0.09
    assert fixed > 0.1


@pytest.mark.slow
def test_few_images_count_in_the_degrees_of_freedom() -> None:
    """30 participants, 20 images: the readers' df alone would be thousands, and the interval too short."""
    found = _simulate(400, 30, 0.5, mrmc.mrmc_auc, images=20)
    assert np.mean([one.low <= 0.5 <= one.high for one in found]) == pytest.approx(0.9, abs=0.045)
    assert np.median([one.df for one in found]) < 30


@pytest.mark.slow
def test_a_difference_of_modalities_without_one_is_rarely_significant() -> None:
    """Two generators beside the same real images, judged by the same six participants; 200 studies."""
    rng, rejected = np.random.default_rng(7), []
    for _ in range(200):
        image, skill, criterion = rng.normal(size=90), rng.normal(size=6), rng.normal(size=6)
        rows = []
        for modality, generated in (("a", range(30)), ("b", range(30, 60))):
            shown = [*generated, *range(60, 90)]
            evidence = 0.5 * image[shown] + 0.8 * rng.normal(size=(6, 60)) - 0.3 * criterion[:, np.newaxis]
            evidence[:, :30] += 0.5 + 0.3 * skill[:, np.newaxis]
            rows.append(_long(np.searchsorted(CUTS, evidence), ["generated"] * 30 + ["real"] * 30, shown, modality))
        rejected.append(mrmc.mrmc_difference(pd.concat(rows)).p < 0.1)
    assert 0.01 < np.mean(rejected) < 0.15


# What it is made of.


def test_auc_is_the_mean_of_scikit_learns_aucs() -> None:
    rating = np.random.default_rng(1).integers(-4, 5, (7, 8))
    signal = np.array(TRUTH) == "generated"
    found = mrmc.mrmc_auc(from_matrix(TRUTH, rating))
    assert found.auc == pytest.approx(np.mean([roc_auc_score(signal, row) for row in rating]), abs=1e-12)
    assert (found.participants, found.generated, found.real, found.design) == (7, 4, 4, "crossed")


def test_own_images_leave_a_t_test_on_the_participants_aucs() -> None:
    """Without shared images participants, who differ, are independent: scipy's t-test and its interval."""
    rng, signal = np.random.default_rng(2), np.array(TRUTH) == "generated"
    evidence = [rng.normal(size=(1, 8)) + (r - 2) * signal for r in range(6)]
    rows = [_long(evidence[r], TRUTH, range(8 * r, 8 * r + 8), "", first=r) for r in range(6)]
    trials = pd.concat(rows).drop(columns="modality")
    found = mrmc.mrmc_auc(trials)
    values = [roc_auc_score(own["truth"] == "generated", own["rating"]) for _, own in trials.groupby("participant")]
    expected = ttest_1samp(values, 0.5)
    assert (found.design, found.df) == ("split-plot", 5)
    assert found.p_chance == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval(0.9)
    assert (found.low, found.high) == pytest.approx((max(0, interval.low), min(1, interval.high)))


def test_one_participant_can_only_be_fixed_and_then_has_delongs_variance_without_its_bias() -> None:
    rating = np.random.default_rng(3).normal(size=(1, 60))
    truth = ["generated"] * 30 + ["real"] * 30
    random, fixed = (mrmc.mrmc_auc(from_matrix(truth, rating), readers=which) for which in ("random", "fixed"))
    assert "one participant" in str(random.reason)
    assert math.isnan(random.se)
    assert random.auc == fixed.auc
    one = roc.roc_auc(truth, rating[0])
    assert fixed.design == "one participant"
    assert fixed.se == pytest.approx(one.se, rel=0.01)
    assert fixed.se < one.se


def test_a_negative_variance_is_shown_and_not_used() -> None:
    study = from_matrix(["generated", "generated", "real", "real"], [[3, 1, 0, 2], [1, 3, 2, 0], [2, 1, 0, 3]])
    found = mrmc.mrmc_auc(study)
    assert found.image_variance < 0
    assert found.variance == pytest.approx(found.participant_variance + found.image_variance)
    assert found.se**2 >= found.participant_variance
    assert found.se == max(found.se, mrmc.mrmc_auc(study, readers="fixed").se)


SHIFTED = st.tuples(st.integers(0, 10_000), st.integers(2, 6), st.sampled_from([0.0, 0.5, 3.0]), st.floats(0, 0.3))


@settings(max_examples=100, deadline=None)
@given(SHIFTED)
def test_the_standard_error_is_never_below_that_with_participants_or_images_fixed(drawn: Any) -> None:
    """The law of total variance, in any design: some ratings are missing."""
    seed, readers, spread, missing = drawn
    rng, signal = np.random.default_rng(seed), np.array(TRUTH * 2) == "generated"
    rating = np.round(rng.normal(size=(readers, 16)) + spread * rng.normal(size=(readers, 1)) * signal)
    rating = np.where(rng.random(rating.shape) < missing, np.nan, rating)
    study = from_matrix(TRUTH * 2, rating)
    both = mrmc.mrmc_auc(study)
    for options in ({"readers": "fixed"}, {"images": "fixed"}):
        one = mrmc.mrmc_auc(study, **options)  # type: ignore[arg-type]
        if not (math.isnan(both.se) or math.isnan(one.se)):
            assert both.se >= one.se * (1 - 1e-12)
    assert "Gallas 2006" in both.method or both.reason is not None


def test_four_aucs_that_happen_to_agree_are_not_certain() -> None:
    """A case of a statistician's: AUCs near .58 whose standard errors are .09, by luck within .01 of one another."""
    rng = np.random.default_rng(3)
    drawn = rng.normal(size=(400, 40)) + 0.3 * (np.arange(40) % 2)
    words = ["real", "generated"] * 20
    near = [row for row in drawn if abs(roc_auc_score(np.arange(40) % 2, row) - 0.58) < 0.01][:4]
    found, fixed = (mrmc.mrmc_auc(from_matrix(words, near), readers=which) for which in ("random", "fixed"))
    assert found.participant_variance < 1e-5
    assert found.se == fixed.se
    assert found.se == pytest.approx(0.09 / 2, rel=0.2)
    assert found.df == 3
    assert not found.p_chance < 0.05
    assert "raised to the variance with participants fixed" in found.method


@pytest.mark.parametrize(("readers", "df"), [(2, 1), (4, 3)])
def test_few_readers_count_their_own_degrees_of_freedom(readers: int, df: int) -> None:
    found = mrmc.mrmc_auc(from_matrix(TRUTH * 5, np.random.default_rng(1).normal(size=(readers, 40))))
    assert found.df == df
    assert "degrees of freedom" in found.method
    more = mrmc.mrmc_auc(from_matrix(TRUTH * 5, np.random.default_rng(1).normal(size=(5, 40))))
    assert "degrees of freedom" not in more.method
    fixed = mrmc.mrmc_auc(from_matrix(TRUTH * 5, np.random.default_rng(1).normal(size=(2, 40))), readers="fixed")
    assert fixed.df > df


def test_the_spread_of_true_aucs_is_the_component_of_readers() -> None:
    """Crossed, M4 − M8: as `variance_components` has it."""
    rng, signal = np.random.default_rng(5), np.array(TRUTH * 5) == "generated"
    study = from_matrix(TRUTH * 5, rng.normal(size=(6, 40)) + rng.normal(size=(6, 1)) * signal)
    assert mrmc.mrmc_auc(study).between_sd == pytest.approx(math.sqrt(variance_components(study).reader))
    alike = from_matrix(TRUTH * 5, rng.normal(size=(1, 40)) + 0.3 * rng.normal(size=(6, 40)))
    assert variance_components(alike).reader < 0
    assert mrmc.mrmc_auc(alike).between_sd == 0
    assert math.isnan(mrmc.mrmc_auc(alike, readers="fixed").between_sd)


@pytest.mark.parametrize(("readers", "spread"), [(2, 0.8), (3, 0.8), (3, 0.3)])
def test_two_or_three_readers_are_rarely_found_to_differ_from_chance(readers: int, spread: float) -> None:
    """1,000 studies of 40 images at chance; 5% is claimed, and at most 4.5% of 4,000 erred (docs/coverage.md)."""
    rng, truth = np.random.default_rng(4), np.tile(["real", "generated"], 20)
    population = Population(between_sd=spread, image_sd=0.3, lapse=0.0)
    studies = draw_ratings(population, readers, truth == "generated", rng, studies=1000)
    assert np.mean([mrmc.mrmc_auc(from_matrix(truth, one)).p_chance < 0.05 for one in studies]) < 0.055


def test_readers_or_images_fixed_leave_their_part_out() -> None:
    study = from_matrix(TRUTH, np.random.default_rng(4).normal(size=(5, 8)))
    random, readers, images = (
        mrmc.mrmc_auc(study, **options)
        for options in ({}, {"readers": "fixed"}, {"images": "fixed"})  # type: ignore[arg-type]
    )
    assert images.se**2 == pytest.approx(np.var([one.auc for one in _alone(study)], ddof=1) / 5)
    assert images.variance == images.participant_variance == random.participant_variance
    assert math.isnan(images.image_variance)
    assert math.isnan(readers.participant_variance)
    assert readers.variance == readers.image_variance


def test_equivalence_is_the_intervals_lying_inside_the_bounds() -> None:
    for seed in range(20):
        found = mrmc.mrmc_auc(from_matrix(TRUTH * 5, np.random.default_rng(seed).normal(size=(6, 40))), delta=0.1)
        assert (found.p_equivalence < 0.05) == (found.low > 0.4 and found.high < 0.6)
        assert (found.p_chance < 0.1) == (not found.low <= 0.5 <= found.high)
    assert math.isnan(mrmc.mrmc_auc(from_matrix(TRUTH, [[1] * 8, [2] * 8])).p_equivalence)


# Two modalities.


def test_the_order_of_modalities_turns_the_sign_and_nothing_else() -> None:
    trials = _two_modalities()
    a, b = mrmc.mrmc_difference(trials), mrmc.mrmc_difference(trials, ("two", "one"))
    assert (a.first_modality, a.second_modality, a.same_participants, a.same_images) == ("one", "two", True, "all")
    assert a.difference == pytest.approx(a.first.auc - a.second.auc, abs=1e-12)
    assert (b.difference, b.low, b.high) == pytest.approx((-a.difference, -a.high, -a.low))
    assert (b.se, b.df, b.p, b.variance) == pytest.approx((a.se, a.df, a.p, a.variance))
    assert a.first.to_dict() == mrmc.mrmc_auc(trials[trials["modality"] == "one"]).to_dict()


def test_other_participants_on_other_images_are_two_independent_studies() -> None:
    trials = _two_modalities()
    second = trials["modality"] == "two"
    for column in ("participant", "stimulus_id"):
        trials.loc[second, column] = "x" + trials.loc[second, column]
    found = mrmc.mrmc_difference(trials)
    assert (found.same_participants, found.same_images) == (False, "none")
    assert found.variance == pytest.approx(found.first.variance + found.second.variance, abs=1e-12)
    assert found.set_aside == {}


def test_other_participants_on_the_same_images_still_share_them() -> None:
    trials = _two_modalities()
    trials.loc[trials["modality"] == "two", "participant"] += "x"
    found = mrmc.mrmc_difference(trials)
    assert (found.same_participants, found.same_images) == (False, "all")
    assert abs(found.variance - found.first.variance - found.second.variance) > 1e-6


def test_who_judged_one_modality_is_set_aside() -> None:
    trials = _two_modalities()
    without = trials[~((trials["participant"] == "p1") & (trials["modality"] == "two"))]
    found = mrmc.mrmc_difference(without)
    assert found.set_aside == {"p1": "has an AUC in one modality only"}
    assert found.difference == pytest.approx(mrmc.mrmc_difference(trials[trials["participant"] != "p1"]).difference)
    assert (found.first.participants, found.second.participants) == (3, 3)


def test_modalities_with_some_images_in_common() -> None:
    trials = _two_modalities()
    new = (trials["modality"] == "two") & (trials["truth"] == "generated")
    trials.loc[new, "stimulus_id"] = "x" + trials.loc[new, "stimulus_id"]
    assert mrmc.mrmc_difference(trials).same_images == "some"


# Invariances.


@pytest.mark.slow
@settings(max_examples=40)
@given(RATINGS)
def test_swapping_labels_reflects_the_auc_with_the_same_uncertainty(ratings: list[list[int]]) -> None:
    swapped = ["real" if truth == "generated" else "generated" for truth in TRUTH]
    a, b = (
        mrmc.mrmc_auc(from_matrix(TRUTH, ratings), delta=0.1),
        mrmc.mrmc_auc(from_matrix(swapped, ratings), delta=0.1),
    )
    assert (b.auc, b.low, b.high) == pytest.approx((1 - a.auc, 1 - a.high, 1 - a.low), nan_ok=True)
    for name in ("se", "df", "variance", "image_variance", "p_chance", "p_equivalence"):
        assert getattr(b, name) == pytest.approx(getattr(a, name), nan_ok=True, abs=1e-9)


@pytest.mark.slow
@settings(max_examples=40)
@given(RATINGS)
def test_each_participants_monotone_transform_changes_nothing(ratings: list[list[int]]) -> None:
    transformed = [[math.exp((1 + r) * x / 4) - r for x in row] for r, row in enumerate(ratings)]
    assert _numbers(from_matrix(TRUTH, transformed)) == pytest.approx(
        _numbers(from_matrix(TRUTH, ratings)), nan_ok=True
    )


@pytest.mark.slow
@settings(max_examples=40)
@given(RATINGS, st.integers(0, 1000), st.floats(0, 0.4))
def test_order_of_rows_and_names_are_irrelevant(ratings: list[list[int]], seed: int, missing: float) -> None:
    trials = _long(np.array(ratings), TRUTH, range(8), "").drop(columns="modality")
    trials["rating"] = trials["rating"].astype(float)
    trials.loc[np.random.default_rng(seed).random(len(trials)) < missing, "rating"] = np.nan
    renamed = trials.sample(frac=1, random_state=seed)
    renamed["participant"] = renamed["participant"].map(lambda name: f"{(7 * int(name[1:]) + 3) % 11}z")
    renamed["stimulus_id"] = renamed["stimulus_id"].map(lambda name: f"{(5 * int(name[1:]) + 2) % 13}")
    a, b = mrmc.mrmc_auc(trials), mrmc.mrmc_auc(renamed)
    assert (a.design, a.unrated, a.participants, len(a.set_aside)) == (
        b.design,
        b.unrated,
        b.participants,
        len(b.set_aside),
    )
    for name in ("auc", "se", "df", "variance", "p_chance"):
        assert getattr(b, name) == pytest.approx(getattr(a, name), nan_ok=True, abs=1e-9)


# Too little, and wrong.


@pytest.mark.parametrize("rating", [np.ones((3, 8)), np.tile(np.array(TRUTH) == "generated", (3, 1))])
def test_aucs_that_do_not_vary_have_no_interval(rating: npt.NDArray[Any]) -> None:
    """All ties, and complete separation: no variance is too little data, not certainty."""
    for options in ({}, {"readers": "fixed"}, {"images": "fixed"}):
        found = mrmc.mrmc_auc(from_matrix(TRUTH, rating), **options)  # type: ignore[arg-type]
        assert found.auc == rating.mean() or found.auc in (0.5, 1)
        assert math.isnan(found.se)
        assert math.isnan(found.p_chance)
        assert "not positive" in str(found.reason)


def test_one_class_and_missing_ratings_are_set_aside_and_counted() -> None:
    rating = np.random.default_rng(5).normal(size=(4, 8))
    rating[1, np.array(TRUTH) == "real"] = np.nan
    rating[2, 0] = np.nan
    found = mrmc.mrmc_auc(from_matrix(TRUTH, rating))
    assert found.set_aside == {"2": "rated no real image"}
    assert (found.participants, found.unrated, found.design) == (3, 5, "partly crossed")
    assert found.to_frame().loc[0, "unrated"] == 5
    assert found.to_dict()["set_aside"] == found.set_aside


@pytest.mark.parametrize("rating", [np.empty((0, 8)), np.full((3, 8), np.nan)])
def test_nobody_has_no_auc(rating: npt.NDArray[np.float64]) -> None:
    found = mrmc.mrmc_auc(from_matrix(TRUTH, rating), readers="fixed")
    assert math.isnan(found.auc)
    assert found.design == "no participant"
    assert found.reason == "no participant rated images of both classes"


def test_a_single_image_of_a_class_gives_no_variance_over_images() -> None:
    study = from_matrix(["generated", "real", "real"], [[2, 1, 3], [3, 1, 2]])
    assert "single image" in str(mrmc.mrmc_auc(study).reason)
    assert mrmc.mrmc_auc(study, images="fixed").df == 1


def test_wrong_questions_are_refused(refuses: Any) -> None:
    trials = _two_modalities()
    with refuses("several-modalities"):
        mrmc.mrmc_auc(trials)
    for modalities in (("one", "one"), ("one", "three")):
        with refuses("not-two-modalities"):
            mrmc.mrmc_difference(trials, modalities)
    with refuses("not-two-modalities"):
        mrmc.mrmc_difference(trials[trials["modality"] == "one"])
    with refuses("nothing-sampled"):
        mrmc.mrmc_auc(trials[trials["modality"] == "one"], readers="fixed", images="fixed")


def _numbers(study: Readings) -> list[float]:
    found = mrmc.mrmc_auc(study)
    return [found.auc, found.se, found.df, found.low, found.high, found.variance]


def _alone(study: Readings) -> list[mrmc.Auc]:
    return [mrmc.mrmc_auc(study.where([""], [name]), readers="fixed") for name in study.participants]


def _long(rating: npt.NDArray[Any], truth: list[str], images: Any, modality: str, first: int = 0) -> pd.DataFrame:
    names = [f"p{first + r}" for r in range(len(rating))]
    return pd.DataFrame(
        {
            "participant": np.repeat(names, len(truth)),
            "stimulus_id": np.tile([f"s{image}" for image in images], len(names)),
            "truth": np.tile(truth, len(names)),
            "rating": rating.ravel(),
            "modality": modality,
        }
    )


def _two_modalities() -> pd.DataFrame:
    rng = np.random.default_rng(6)
    image = rng.normal(size=8)
    return pd.concat(
        [_long(np.round(image + rng.normal(size=(4, 8)), 1), TRUTH, range(8), name) for name in ("one", "two")],
        ignore_index=True,
    )


def _simulate(
    studies: int,
    readers: int,
    auc: float,
    analyse: Callable[[Readings], Any],
    images: int = 100,
    own_images: bool = False,
) -> list[Any]:
    rng, half = np.random.default_rng(8), images // 2
    dprime = brentq(lambda d: _true_auc(d) - auc, -1, 3)
    truth = np.tile(np.repeat(["generated", "real"], half), readers if own_images else 1)
    found = []
    for _ in range(studies):
        skill = dprime + BETWEEN_SD * rng.standard_normal((readers, 1))
        effect = rng.standard_normal((readers if own_images else 1, images))
        evidence = IMAGE_SD * effect + np.sqrt(1 - IMAGE_SD**2) * rng.standard_normal((readers, images))
        evidence += np.repeat([0.5, -0.5], half) * skill
        rating = np.searchsorted(CUTS, evidence).astype(float)
        if own_images:
            apart = np.full((readers, readers, images), np.nan)
            apart[np.arange(readers), np.arange(readers)] = rating
            rating = apart.reshape(readers, -1)
        found.append(analyse(from_matrix(truth, rating)))
    return found


def _true_auc(dprime: float) -> float:
    """The mean AUC of participants with this mean d′ and these cuts, over the SD of d′ by quadrature."""
    node, weight = np.polynomial.hermite_e.hermegauss(15)
    edges = np.concatenate([[-np.inf], CUTS, [np.inf]])
    half = (dprime + BETWEEN_SD * node[:, np.newaxis]) / 2
    generated, real = np.diff(norm.cdf(edges - half)), np.diff(norm.cdf(edges + half))
    return float(np.average(np.sum(generated * (np.cumsum(real, axis=1) - real / 2), axis=1), weights=weight))
